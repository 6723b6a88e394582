using MnrEngine.Kernels.Cpu;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cpu;

[TestFixture(typeof(FloatPortable))]
[TestFixture(typeof(Float256))]
[TestFixture(typeof(Float512))]
internal sealed unsafe class PhiloxTests<TVector>
    where TVector : struct, IFloatVector<TVector>
{
    [SetUp]
    public void NeedsTheInstructions() => Assume.That(CpuInstructionSets.IsSupported(TVector.InstructionSet), "the machine has these instructions");

    // Random123's kat_vectors for philox4x32-10: counter, key, words.
    [TestCase(0ul, 0u, 0u, 0ul, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [TestCase(0xffffffff_fffffffful, 0xffffffffu, 0xffffffffu, 0xffffffff_fffffffful, new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd })]
    [TestCase(0x85a308d3_243f6a88ul, 0x13198a2eu, 0x03707344u, 0x299f31d0_a4093822ul, new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 })]
    public void ABlockIsThatOfThePublishedVectors(ulong block, uint site, uint step, ulong seed, uint[] expected)
    {
        uint* words = stackalloc uint[4];
        Philox philox = new(seed, site, step);
        philox.FillBlock(block, words);
        Assert.That(new Span<uint>(words, 4).ToArray(), Is.EqualTo(expected));

        // A run of elements can start at block * 4 only where that is a positive number.
        if (block < long.MaxValue / 4)
        {
            philox.Fill<TVector>((long)block * 4, 4, words);
            Assert.That(new Span<uint>(words, 4).ToArray(), Is.EqualTo(expected));
        }
    }

    [Test]
    public void ARunMayBeginAndEndAnywhere(
        [Values(0, 1, 2, 3, 4, 31, 4L * uint.MaxValue - 5, 4L * uint.MaxValue + 11)] long first,
        [Values(0, 1, 2, 3, 4, 5, 15, 16, 31, 32, 33, 67, 384)] int count)
    {
        Philox philox = new(0x0123456789abcdef, 7, 12345);
        uint* words = stackalloc uint[count + 1];
        words[count] = 0xdeadbeef;
        philox.Fill<TVector>(first, count, words);
        Assert.That(words[count], Is.EqualTo(0xdeadbeef), "nothing is written beyond the run");
        uint* block = stackalloc uint[4];
        for (int i = 0; i < count; i++)
        {
            philox.FillBlock((ulong)(first + i) / 4, block);
            Assert.That(words[i], Is.EqualTo(block[(first + i) % 4]), $"element {first + i}");
        }
    }

    [Test]
    public void SeedSiteAndStepEachGiveOtherWords()
    {
        uint* words = stackalloc uint[4];
        HashSet<uint> firstWords = [];
        foreach (Philox philox in (Philox[])[new(1, 1, 1), new(2, 1, 1), new(1, 2, 1), new(1, 1, 2), new(1UL << 32, 1, 1)])
        {
            philox.Fill<TVector>(0, 4, words);
            firstWords.Add(words[0]);
        }

        Assert.That(firstWords, Has.Count.EqualTo(5));
    }

    [TestCase(0.1f)]
    [TestCase(0.5f)]
    [TestCase(0.9f)]
    public void AnElementIsKeptWhenItsWordIsBelowTheShareKept(float probability)
    {
        const int Count = 1003;
        Philox philox = new(99, 3, 4);
        uint* words = stackalloc uint[Count];
        float* factors = stackalloc float[Count];
        philox.Fill<TVector>(5, Count, words);
        philox.FillFactors<TVector>(probability, 5, Count, factors);
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            bool isKept = words[i] < (1.0 - probability) * 4294967296.0;
            Assert.That(factors[i], Is.EqualTo(isKept ? (float)(1 / (1.0 - probability)) : 0f));
            kept += isKept ? 1 : 0;
        }

        Assert.That(kept, Is.EqualTo(Count * (1 - probability)).Within(60));
    }

    [Test]
    public void TheBoundIsTheShareKeptOfTwoToThe32()
    {
        Assert.That(Philox.KeepBelow(0.5f), Is.EqualTo(0x8000_0000));
        Assert.That(Philox.KeepBelow(0.75f), Is.EqualTo(0x4000_0000));
        Assert.That(Philox.KeepBelow(1e-30f), Is.EqualTo(uint.MaxValue));
    }
}
