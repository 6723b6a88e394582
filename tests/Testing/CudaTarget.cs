using MnrEngine.Kernels.Cuda;
using NUnit.Framework;

namespace MnrEngine.Testing;

/// <summary>Where tests of the CUDA implementation run: on the host (<see cref="HostCuda"/>), or with <c>MNR_KERNELS=cuda</c> on a GPU.</summary>
public static class CudaTarget
{
    /// <summary>The variable that chooses what the suites run on.</summary>
    public const string Variable = "MNR_KERNELS";

    /// <summary>Whether the tests run on a GPU.</summary>
    public static bool IsGpu => Environment.GetEnvironmentVariable(Variable) == "cuda";

    /// <summary>Starts the CUDA implementation, or skips the test where there is nothing to run it on.</summary>
    /// <param name="options">How it is used.</param>
    /// <param name="settings">What the host pretends to be, if it is the host; otherwise <see cref="HostSettings.Usual"/>.</param>
    public static CudaKernels Create(CudaOptions options, HostSettings? settings = null)
    {
        if (Environment.GetEnvironmentVariable(Variable) == "cpu")
        {
            Assert.Ignore($"{Variable} is cpu");
        }

        if (!IsGpu && !HostCuda.Use())
        {
            Assert.Ignore(HostCuda.Reason);
        }

        if (!IsGpu)
        {
            (settings ?? HostSettings.Usual).Apply();
        }

        return new CudaKernels(options);
    }
}
