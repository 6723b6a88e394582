using System.Runtime.InteropServices;

namespace MnrEngine.Testing;

/// <summary>
/// What GPU the host pretends to be, and in which order it runs what it is given (tests/HostCuda/README.md). A process may take turns between several: <see cref="CudaTarget.Create"/> sets them, and
/// all is as usual for whoever names none.
/// </summary>
/// <param name="Name">Its name in the tests' names.</param>
/// <param name="Values">What is not as usual.</param>
public sealed record HostSettings(string Name, params IReadOnlyList<(string Variable, string Value)> Values)
{
    /// <summary>A small GPU that runs everything at once, in order: each unless the environment says otherwise.</summary>
    public static readonly HostSettings Usual = new("usual");

    /// <summary>As many multiprocessors as an H100 has, for which other plans are made.</summary>
    public static readonly HostSettings LargeGpu = new("132 multiprocessors", ("MNR_HOST_MULTIPROCESSORS", "132"), ("MNR_HOST_COMPUTE_CAPABILITY", "9.0"));

    /// <summary>Nothing runs before somebody waits for it.</summary>
    public static readonly HostSettings LateStreams = new("late streams", ("MNR_HOST_STREAMS", "late"));

    /// <summary>Threads and blocks run in an order that nobody chose.</summary>
    public static readonly HostSettings RandomOrder = new("random order", ("MNR_HOST_ORDER", "random:7"));

    /// <summary>Products of matrices are summed in an order that nobody chose, as NVIDIA's library may.</summary>
    public static readonly HostSettings OtherProducts = new("products in another order", ("MNR_HOST_PRODUCTS", "random:2"));

    /// <summary>All of these at once, for tests that are too long to be repeated for each.</summary>
    public static readonly HostSettings AllOthers = new("132 multiprocessors, late streams, random orders", [.. LargeGpu.Values, .. LateStreams.Values, .. RandomOrder.Values, .. OtherProducts.Values]);

    private static readonly (string Variable, string Value)[] Defaults =
    [
        ("MNR_HOST_MULTIPROCESSORS", "4"), ("MNR_HOST_COMPUTE_CAPABILITY", "8.0"), ("MNR_HOST_STREAMS", "eager"), ("MNR_HOST_ORDER", "forward"),
        ("MNR_HOST_PRODUCTS", "forward"),
    ];

    private delegate int Setter([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value);

    /// <summary>Those given where the kernels run on the host too, none elsewhere.</summary>
    public static IReadOnlyList<HostSettings> OnTheHost(params IReadOnlyList<HostSettings> settings) =>
        Environment.GetEnvironmentVariable(CudaTarget.Variable) is null or "" or "host" ? settings : [];

    /// <summary>Puts them in force, in this process.</summary>
    public void Apply()
    {
        nint driver = NativeLibrary.Load(System.IO.Path.Combine(HostCuda.Folder!, "libcuda.so.1"));
        Setter set = Marshal.GetDelegateForFunctionPointer<Setter>(NativeLibrary.GetExport(driver, "mnrHostSet"));
        foreach ((string variable, string usual) in Defaults)
        {
            string value = Values.FirstOrDefault(pair => pair.Variable == variable).Value ?? Environment.GetEnvironmentVariable(variable) ?? usual;
            if (set(variable, value) != 0)
            {
                throw new ArgumentException($"the stand-in of the driver does not know {variable}={value}");
            }
        }

        NativeLibrary.Free(driver);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
