using System.Reflection;
using System.Runtime.CompilerServices;
using MnrEngine.Kernels.Cuda;
using MnrEngine.Kernels.Cuda.Interop;
using NUnit.Framework;

namespace MnrEngine.Kernels.Tests.Cuda;

/// <summary>What is looked up when a library is opened is what is imported, nothing less.</summary>
internal sealed class ImportedFunctionsTests
{
    private static readonly TestCaseData[] Libraries =
    [
        new TestCaseData(typeof(CudaDriver), ImportedFunctions.Driver).SetArgDisplayNames("the driver"),
        new TestCaseData(typeof(CublasLt), ImportedFunctions.CublasLt).SetArgDisplayNames("cublasLt"),
        new TestCaseData(typeof(Nvrtc), ImportedFunctions.Nvrtc).SetArgDisplayNames("NVRTC"),
    ];

    [TestCaseSource(nameof(Libraries))]
    public void TheListOfALibraryHoldsItsImports(Type imports, IReadOnlyList<string> listed)
    {
        string[] imported =
        [
            .. from method in imports.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
               where !method.IsDefined(typeof(CompilerGeneratedAttribute)) && !method.Name.Contains('<', StringComparison.Ordinal)
               select method.Name,
        ];
        Assert.That(imported, Is.Not.Empty);
        Assert.That(listed, Is.EquivalentTo(imported));
    }
}
