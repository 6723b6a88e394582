using System.Runtime.Intrinsics.X86;
using System.Text;

namespace MnrEngine.Trainer.Commands;

/// <summary>The processor's name.</summary>
internal static class CpuName
{
    private const int FirstBrandLeaf = unchecked((int)0x80000002);
    private const int LastBrandLeaf = unchecked((int)0x80000004);

    /// <summary>The name that the processor gives itself, or "unknown" where it can't be asked.</summary>
    public static string Find()
    {
        if (!X86Base.IsSupported)
        {
            return "unknown";
        }

        StringBuilder name = new();
        for (int leaf = FirstBrandLeaf; leaf <= LastBrandLeaf; leaf++)
        {
            (int a, int b, int c, int d) = X86Base.CpuId(leaf, 0);
            foreach (int register in (ReadOnlySpan<int>)[a, b, c, d])
            {
                name.Append(Encoding.ASCII.GetString(BitConverter.GetBytes(register)));
            }
        }

        return name.ToString().TrimEnd('\0', ' ').Trim();
    }
}
