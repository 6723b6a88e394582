namespace MnrEngine.Kernels.Cuda;

/// <summary>Something that the GPU, its driver or its libraries refused, or a library that is not there. The message is one sentence for the user.</summary>
public sealed class CudaException : Exception
{
    /// <summary>Creates the exception.</summary>
    public CudaException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public CudaException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
