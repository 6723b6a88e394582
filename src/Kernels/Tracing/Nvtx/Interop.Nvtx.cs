using System.Runtime.InteropServices;

namespace MnrEngine.Kernels.Tracing;

internal static partial class Interop
{
    /// <summary>Imports of mnr_nvtx.c, which says what they do.</summary>
    internal static partial class Nvtx
    {
        public const string Library = "mnr_nvtx";

        [LibraryImport(Library, EntryPoint = "mnr_nvtx_domain", StringMarshalling = StringMarshalling.Utf8)]
        public static partial nint Domain(string name);

        [LibraryImport(Library, EntryPoint = "mnr_nvtx_string", StringMarshalling = StringMarshalling.Utf8)]
        public static partial nint String(nint domain, string text);

        [LibraryImport(Library, EntryPoint = "mnr_nvtx_push")]
        public static partial void Push(nint domain, nint text, long number);

        [LibraryImport(Library, EntryPoint = "mnr_nvtx_pop")]
        public static partial void Pop(nint domain);
    }
}
