using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// The random words of one dropout place in one step, by Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// 2011): word number e belongs to element e, and can be had without the ones before it.
/// </summary>
/// <param name="seed">The key, low word first.</param>
/// <param name="site">The third word of the counter; the first two are the element divided by 4, low word first.</param>
/// <param name="step">The fourth word of the counter.</param>
internal readonly unsafe struct Philox(ulong seed, uint site, uint step)
{
    private const uint FirstMultiplier = 0xD2511F53;
    private const uint SecondMultiplier = 0xCD9E8D57;
    private const uint FirstKeyIncrement = 0x9E3779B9;
    private const uint SecondKeyIncrement = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>Words of a block: what one counter gives.</summary>
    private const int BlockWords = 4;

    private readonly ulong _seed = seed;
    private readonly uint _site = site;
    private readonly uint _step = step;

    /// <summary>The bound below which an element's word keeps it: (1 - probability) * 2^32, rounded up.</summary>
    public static uint KeepBelow(float probability) => (uint)Math.Min(Math.Ceiling((1.0 - probability) * 4294967296.0), uint.MaxValue);

    /// <summary>Writes the words of a run of elements.</summary>
    /// <param name="firstElement">The first element; any number.</param>
    /// <param name="count">Elements of the run.</param>
    /// <param name="words">One word for each.</param>
    public void Fill<TVector>(long firstElement, int count, uint* words)
        where TVector : struct, IFloatVector<TVector>
    {
        int groupWords = BlockWords * BlocksOfGroup<TVector>();
        uint* group = stackalloc uint[groupWords];
        ulong block = (ulong)firstElement / BlockWords;
        int skip = (int)((ulong)firstElement % BlockWords);
        if (skip != 0)
        {
            // The run begins within a block.
            FillBlock(block, group);
            int taken = Math.Min(BlockWords - skip, count);
            Unsafe.CopyBlockUnaligned(words, group + skip, (uint)taken * sizeof(uint));
            block++;
            words += taken;
            count -= taken;
        }

        int groups = count / groupWords;
        FillGroups<TVector>(block, groups, words);
        int rest = count - groups * groupWords;
        if (rest != 0)
        {
            FillGroups<TVector>(block + (ulong)groups * (ulong)BlocksOfGroup<TVector>(), 1, group);
            Unsafe.CopyBlockUnaligned(words + groups * groupWords, group, (uint)rest * sizeof(uint));
        }
    }

    /// <summary>Writes what dropout multiplies a run of elements by: 1 / (1 - probability) where an element is kept, else 0.</summary>
    /// <param name="probability">The share of elements dropped.</param>
    /// <param name="firstElement">The first element; any number.</param>
    /// <param name="count">Elements of the run.</param>
    /// <param name="factors">One factor for each.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void FillFactors<TVector>(float probability, long firstElement, int count, float* factors)
        where TVector : struct, IFloatVector<TVector>
    {
        Fill<TVector>(firstElement, count, (uint*)factors);
        uint bound = KeepBelow(probability);
        float kept = (float)(1.0 / (1.0 - probability));
        int i = 0;
        if (TVector.InstructionSet == CpuInstructionSet.Avx512)
        {
            for (; i + 16 <= count; i += 16)
            {
                Vector512<uint> isKept = Vector512.LessThan(Vector512.Load((uint*)factors + i), Vector512.Create(bound));
                (isKept & Vector512.Create(kept).AsUInt32()).Store((uint*)factors + i);
            }
        }
        else if (TVector.InstructionSet == CpuInstructionSet.Avx2)
        {
            for (; i + 8 <= count; i += 8)
            {
                Vector256<uint> isKept = Vector256.LessThan(Vector256.Load((uint*)factors + i), Vector256.Create(bound));
                (isKept & Vector256.Create(kept).AsUInt32()).Store((uint*)factors + i);
            }
        }

        for (; i < count; i++)
        {
            factors[i] = ((uint*)factors)[i] < bound ? kept : 0f;
        }
    }

    /// <summary>The four words of a block, one after the other: the plain form of the algorithm.</summary>
    internal void FillBlock(ulong block, uint* words)
    {
        uint c0 = (uint)block;
        uint c1 = (uint)(block >> 32);
        uint c2 = _site;
        uint c3 = _step;
        uint k0 = (uint)_seed;
        uint k1 = (uint)(_seed >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong first = (ulong)c0 * FirstMultiplier;
            ulong second = (ulong)c2 * SecondMultiplier;
            c0 = (uint)(second >> 32) ^ c1 ^ k0;
            c1 = (uint)second;
            c2 = (uint)(first >> 32) ^ c3 ^ k1;
            c3 = (uint)first;
            k0 += FirstKeyIncrement;
            k1 += SecondKeyIncrement;
        }

        words[0] = c0;
        words[1] = c1;
        words[2] = c2;
        words[3] = c3;
    }

    /// <summary>Blocks computed side by side, one in each 64-bit lane.</summary>
    private static int BlocksOfGroup<TVector>()
        where TVector : struct, IFloatVector<TVector> =>
        TVector.InstructionSet == CpuInstructionSet.Avx512 ? 8 : TVector.InstructionSet == CpuInstructionSet.Avx2 ? 4 : 1;

    private void FillGroups<TVector>(ulong block, int groups, uint* words)
        where TVector : struct, IFloatVector<TVector>
    {
        if (TVector.InstructionSet == CpuInstructionSet.Avx512)
        {
            FillGroups512(block, groups, words);
        }
        else if (TVector.InstructionSet == CpuInstructionSet.Avx2)
        {
            FillGroups256(block, groups, words);
        }
        else
        {
            for (int i = 0; i < groups; i++)
            {
                FillBlock(block + (ulong)i, words + i * BlockWords);
            }
        }
    }

    // Each counter word sits in the low half of a 64-bit lane. The high halves hold leftovers, which the 32 x 32 -> 64 bit
    // multiplication ignores, so that a round is two multiplications, two shifts and two three-way xors.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FillGroups512(ulong block, int groups, uint* words)
    {
        ulong* keys = stackalloc ulong[2 * Rounds];
        FillRoundKeys(keys);
        Vector512<uint> firstMultiplier = Vector512.Create((ulong)FirstMultiplier).AsUInt32();
        Vector512<uint> secondMultiplier = Vector512.Create((ulong)SecondMultiplier).AsUInt32();

        // The order of blocks in the lanes is such that unpacking below puts them in sequence. Two groups at a time: one alone waits for its multiplications.
        Vector512<ulong> blocks = Vector512.Create(block) + Vector512.Create(0ul, 4, 1, 5, 2, 6, 3, 7);
        for (; groups > 0; groups -= 2)
        {
            Vector512<ulong> a0 = blocks;
            Vector512<ulong> a1 = blocks >>> 32;
            Vector512<ulong> a2 = Vector512.Create((ulong)_site);
            Vector512<ulong> a3 = Vector512.Create((ulong)_step);
            blocks += Vector512.Create(8ul);
            Vector512<ulong> b0 = blocks;
            Vector512<ulong> b1 = blocks >>> 32;
            Vector512<ulong> b2 = a2;
            Vector512<ulong> b3 = a3;
            blocks += Vector512.Create(8ul);
            for (int round = 0; round < 2 * Rounds; round += 2)
            {
                Vector512<ulong> firstKey = Vector512.Create(keys[round]);
                Vector512<ulong> secondKey = Vector512.Create(keys[round + 1]);
                Vector512<ulong> first = Avx512F.Multiply(a0.AsUInt32(), firstMultiplier);
                Vector512<ulong> second = Avx512F.Multiply(a2.AsUInt32(), secondMultiplier);
                a0 = (second >>> 32) ^ a1 ^ firstKey;
                a1 = second;
                a2 = (first >>> 32) ^ a3 ^ secondKey;
                a3 = first;
                first = Avx512F.Multiply(b0.AsUInt32(), firstMultiplier);
                second = Avx512F.Multiply(b2.AsUInt32(), secondMultiplier);
                b0 = (second >>> 32) ^ b1 ^ firstKey;
                b1 = second;
                b2 = (first >>> 32) ^ b3 ^ secondKey;
                b3 = first;
            }

            StoreGroup(a0, a1, a2, a3, words);
            if (groups > 1)
            {
                StoreGroup(b0, b1, b2, b3, words + 32);
            }

            words += 64;
        }
    }

    /// <summary>Stores the low halves of the lanes, block after block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreGroup(Vector512<ulong> c0, Vector512<ulong> c1, Vector512<ulong> c2, Vector512<ulong> c3, uint* words)
    {
        Vector512<ulong> low = Vector512.Create(0xFFFF_FFFFul);
        Vector512<ulong> c01 = (c0 & low) | (c1 << 32);
        Vector512<ulong> c23 = (c2 & low) | (c3 << 32);
        Avx512F.UnpackLow(c01, c23).Store((ulong*)words);
        Avx512F.UnpackHigh(c01, c23).Store((ulong*)words + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FillGroups256(ulong block, int groups, uint* words)
    {
        ulong* keys = stackalloc ulong[2 * Rounds];
        FillRoundKeys(keys);
        Vector256<uint> firstMultiplier = Vector256.Create((ulong)FirstMultiplier).AsUInt32();
        Vector256<uint> secondMultiplier = Vector256.Create((ulong)SecondMultiplier).AsUInt32();
        Vector256<ulong> blocks = Vector256.Create(block) + Vector256.Create(0ul, 2, 1, 3);
        for (; groups > 0; groups--)
        {
            Vector256<ulong> c0 = blocks;
            Vector256<ulong> c1 = blocks >>> 32;
            Vector256<ulong> c2 = Vector256.Create((ulong)_site);
            Vector256<ulong> c3 = Vector256.Create((ulong)_step);
            for (int round = 0; round < 2 * Rounds; round += 2)
            {
                Vector256<ulong> first = Avx2.Multiply(c0.AsUInt32(), firstMultiplier);
                Vector256<ulong> second = Avx2.Multiply(c2.AsUInt32(), secondMultiplier);
                c0 = (second >>> 32) ^ c1 ^ Vector256.Create(keys[round]);
                c1 = second;
                c2 = (first >>> 32) ^ c3 ^ Vector256.Create(keys[round + 1]);
                c3 = first;
            }

            Vector256<ulong> low = Vector256.Create(0xFFFF_FFFFul);
            Vector256<ulong> c01 = (c0 & low) | (c1 << 32);
            Vector256<ulong> c23 = (c2 & low) | (c3 << 32);
            Avx2.UnpackLow(c01, c23).Store((ulong*)words);
            Avx2.UnpackHigh(c01, c23).Store((ulong*)words + 4);
            blocks += Vector256.Create(4ul);
            words += 16;
        }
    }

    private void FillRoundKeys(ulong* keys)
    {
        for (uint round = 0; round < Rounds; round++)
        {
            keys[2 * round] = unchecked((uint)_seed + round * FirstKeyIncrement);
            keys[2 * round + 1] = unchecked((uint)(_seed >> 32) + round * SecondKeyIncrement);
        }
    }
}
