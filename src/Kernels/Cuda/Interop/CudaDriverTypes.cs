namespace MnrEngine.Kernels.Cuda.Interop;

/// <summary>Statuses of the driver that are told apart; the driver knows the names and texts of all.</summary>
internal enum CudaResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    NoDevice = 100,
    InvalidDevice = 101,
    InvalidImage = 200,
    NoBinaryForGpu = 209,
    InvalidPtx = 218,
    UnsupportedPtxVersion = 222,
    NotFound = 500,
    SystemDriverMismatch = 803,
}

/// <summary>Attributes of a device.</summary>
internal enum DeviceAttribute
{
    MultiprocessorCount = 16,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedMemoryPerBlockOptin = 97,
}

/// <summary>Options of loading a module (CUjit_option).</summary>
internal enum ModuleOption
{
    ErrorLogBuffer = 5,
    ErrorLogBytes = 6,
}

/// <summary>Attributes of a kernel.</summary>
internal enum FunctionAttribute
{
    MaxDynamicSharedSizeBytes = 8,
}

/// <summary>Kinds of streams.</summary>
[Flags]
internal enum StreamFlags : uint
{
    Default = 0,
    NonBlocking = 1,
}

/// <summary>Kinds of events.</summary>
[Flags]
internal enum EventFlags : uint
{
    Default = 0,
    DisableTiming = 2,
}

/// <summary>What calls a capture forbids meanwhile.</summary>
internal enum CaptureMode
{
    Global = 0,
    ThreadLocal = 1,
    Relaxed = 2,
}
