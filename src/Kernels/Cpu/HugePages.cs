using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Cpu;

/// <summary>
/// Asks Linux for pages of 2 MB where a buffer is large: each page is a trip into the system when it is first touched, and an entry in the processor's
/// table of pages afterwards. Elsewhere, and where the system has none, nothing happens.
/// </summary>
internal static unsafe partial class HugePages
{
    /// <summary>Buffers below this many bytes would waste most of a page.</summary>
    private const nuint Least = 4 << 20;

    private const nuint PageBytes = 4096;

    /// <summary>MADV_HUGEPAGE of Linux' sys/mman.h.</summary>
    private const int Wanted = 14;

    /// <summary>Advises the system about memory that has not been touched yet.</summary>
    public static void Advise(void* start, nuint bytes)
    {
        if (bytes >= Least && OperatingSystem.IsLinux())
        {
            nuint first = ((nuint)start + PageBytes - 1) & ~(PageBytes - 1);
            _ = MemoryAdvise((void*)first, ((nuint)start + bytes - first) & ~(PageBytes - 1), Wanted);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* start, nuint bytes, int advice);
}
