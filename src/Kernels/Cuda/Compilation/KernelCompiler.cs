using System.Runtime.InteropServices;
using System.Text;
using MnrEngine.Kernels.Cuda.Interop;
using static MnrEngine.Kernels.Cuda.CudaStatus;

namespace MnrEngine.Kernels.Cuda.Compilation;

/// <summary>The kernels in a form that the driver loads.</summary>
/// <param name="Bytes">Machine code or PTX, ended by a zero byte.</param>
/// <param name="Origin">Where they come from, for messages: "compiled by NVRTC 12.8 for sm_90".</param>
internal sealed record KernelImage(byte[] Bytes, string Origin);

/// <summary>Compiles the kernels' sources for the GPU at hand with NVRTC.</summary>
internal static unsafe class KernelCompiler
{
    /// <summary>How the sources are compiled, whatever the GPU.</summary>
    public const string Language = "--std=c++17";

    /// <summary>NVRTC's version.</summary>
    /// <exception cref="CudaException">NVRTC is not there.</exception>
    public static Version Version
    {
        get
        {
            CudaLibraries.Require(CudaLibraries.Nvrtc);
            int major;
            int minor;
            Check(Nvrtc.nvrtcVersion(&major, &minor), $"nvrtcVersion");
            return new Version(major, minor);
        }
    }

    /// <summary>
    /// The target: machine code for the GPU where this NVRTC knows its generation, else PTX for the newest older one that it knows, which the driver then
    /// compiles.
    /// </summary>
    public static string Target(CudaDevice device)
    {
        int wanted = (10 * device.ComputeCapability.Major) + device.ComputeCapability.Minor;
        int count;
        Check(Nvrtc.nvrtcGetNumSupportedArchs(&count), $"nvrtcGetNumSupportedArchs");
        int[] known = new int[count];
        fixed (int* pointer = known)
        {
            Check(Nvrtc.nvrtcGetSupportedArchs(pointer), $"nvrtcGetSupportedArchs");
        }

        int[] usable = [.. known.Where(architecture => architecture <= wanted)];
        return usable.Length == 0
            ? throw new CudaException($"NVRTC {Version} ({CudaLibraries.Nvrtc.Path}) makes no code for {device} of compute capability {device.ComputeCapability}: {CudaLibraries.Nvrtc.Remedy}")
            : usable.Contains(wanted) ? $"sm_{wanted}" : $"compute_{usable.Max()}";
    }

    /// <summary>Compiles.</summary>
    /// <exception cref="CudaException">The compiler refuses the sources; the message has the first line of its log.</exception>
    public static KernelImage Compile(string target)
    {
        KernelSource unit = KernelSources.Unit;
        using Utf8Strings source = new([unit.Text, unit.Name]);
        using Utf8Strings headers = new([.. KernelSources.Headers.Select(static header => header.Text)]);
        using Utf8Strings names = new([.. KernelSources.Headers.Select(static header => header.Name)]);
        using Utf8Strings options = new([$"--gpu-architecture={target}", Language]);
        nint program;
        Check(
            Nvrtc.nvrtcCreateProgram(&program, source[0], source[1], names.Count, headers.Pointers, names.Pointers),
            $"nvrtcCreateProgram with {names.Count} headers");
        try
        {
            NvrtcResult result = Nvrtc.nvrtcCompileProgram(program, options.Count, options.Pointers);
            if (result == NvrtcResult.Compilation)
            {
                string log = Log(program);
                string first = log.Split('\n').FirstOrDefault(static line => line.Contains("error", StringComparison.Ordinal), log.Split('\n')[0]);
                throw new CudaException($"NVRTC {Version} could not compile the kernels for {target}: {first.Trim()}");
            }

            Check(result, $"nvrtcCompileProgram for {target}");
            return new KernelImage(Image(program, target.StartsWith("sm_", StringComparison.Ordinal)), $"compiled by NVRTC {Version} for {target}");
        }
        finally
        {
            Nvrtc.nvrtcDestroyProgram(&program);
        }
    }

    private static string Log(nint program)
    {
        nuint bytes;
        Check(Nvrtc.nvrtcGetProgramLogSize(program, &bytes), $"nvrtcGetProgramLogSize");
        byte[] log = new byte[(int)bytes + 1];
        fixed (byte* pointer = log)
        {
            Check(Nvrtc.nvrtcGetProgramLog(program, pointer), $"nvrtcGetProgramLog");
        }

        return Encoding.UTF8.GetString(log).TrimEnd('\0');
    }

    private static byte[] Image(nint program, bool isMachineCode)
    {
        nuint bytes;
        Check(isMachineCode ? Nvrtc.nvrtcGetCUBINSize(program, &bytes) : Nvrtc.nvrtcGetPTXSize(program, &bytes), $"the size of the compiled kernels");

        // PTX is text that the driver reads up to a zero byte.
        byte[] image = new byte[(int)bytes + 1];
        fixed (byte* pointer = image)
        {
            Check(isMachineCode ? Nvrtc.nvrtcGetCUBIN(program, pointer) : Nvrtc.nvrtcGetPTX(program, pointer), $"the compiled kernels of {bytes} bytes");
        }

        return image;
    }

    /// <summary>Texts as C sees them.</summary>
    private sealed class Utf8Strings : IDisposable
    {
        public Utf8Strings(IReadOnlyList<string> texts)
        {
            Count = texts.Count;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)texts.Count, (nuint)sizeof(byte*));
            for (int i = 0; i < texts.Count; i++)
            {
                Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
            }
        }

        public int Count { get; }

        public byte** Pointers { get; }

        public byte* this[int index] => Pointers[index];

        public void Dispose()
        {
            for (int i = 0; i < Count; i++)
            {
                Marshal.FreeCoTaskMem((nint)Pointers[i]);
            }

            NativeMemory.Free(Pointers);
        }
    }
}
