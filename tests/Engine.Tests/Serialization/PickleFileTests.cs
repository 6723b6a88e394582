using System.IO.Compression;
using System.Runtime.InteropServices;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class PickleFileTests
{
    private static readonly byte[] SixFloats = Floats(0, 1, 2, 3, 4, 5);

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void WhatTorchSavedHoldsTheNumbersOfTheSafetensorsFile()
    {
        using PickleFile pickle = PickleFile.Open(Fixtures.Path("models", "tiny-bert-bin", "pytorch_model.bin"));
        using SafetensorsFile expected = SafetensorsFile.Open(Fixtures.Path("models", "tiny-bert", "model.safetensors"));
        Assert.That(pickle.Entries.Keys, Is.EquivalentTo(expected.Entries.Keys));
        foreach (string name in expected.Entries.Keys)
        {
            Assert.That(pickle.Entries[name].Shape, Is.EqualTo(expected.Entries[name].Shape), name);
            Assert.That(pickle.Read(name), Is.EqualTo(expected.Read(name)), name);
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void TensorsAreViewsOfStorages(bool legacy)
    {
        byte[] pickle = PickleBuilder.Of(p => p.Dictionary(d => d
            .Item("plain", v => v.Tensor("FloatStorage", "0", 6, 0, [2, 3], [3, 1]))
            .Item("transposed", v => v.Tensor("FloatStorage", "0", 6, 0, [3, 2], [1, 3]))
            .Item("part", v => v.Tensor("FloatStorage", "0", 6, 4, [2], [1]))
            .Item("column", v => v.Tensor("FloatStorage", "0", 6, 1, [2], [3]))
            .Item("repeated", v => v.Tensor("FloatStorage", "0", 6, 5, [2, 2], [0, 0]))
            .Item("one", v => v.Tensor("FloatStorage", "0", 6, 3, [], []))
            .Item("row", v => v.Tensor("FloatStorage", "0", 6, 0, [1, 6], [99, 1]))
            .Item("none", v => v.Tensor("FloatStorage", "0", 6, 6, [0, 7], [7, 1]))
            .Item("half", v => v.Tensor("HalfStorage", "1", 2, 0, [2], [1]))
            .Item("brain", v => v.Tensor("BFloat16Storage", "2", 1, 0, [1], [1]))
            .Item("double", v => v.Tensor("DoubleStorage", "3", 1, 0, [1], [1]))
            .Item("ids", v => v.Tensor("LongStorage", "4", 1, 0, [1], [1]))));
        byte[] half = [.. BitConverter.GetBytes((Half)1.5), .. BitConverter.GetBytes((Half)(-2))];
        byte[] file = legacy
            ? PickleBuilder.Legacy(pickle, ("2", 1, [0x40, 0x40]), ("0", 6, SixFloats), ("4", 1, new byte[8]), ("1", 2, half), ("3", 1, BitConverter.GetBytes(0.25)))
            : PickleBuilder.Archive(pickle, ("data/0", SixFloats), ("data/1", half), ("data/2", [0x40, 0x40]), ("data/3", BitConverter.GetBytes(0.25)), ("data/4", new byte[8]));
        using PickleFile weights = Open(file);
        Assert.Multiple(() =>
        {
            Assert.That(weights.Read("plain"), Is.EqualTo(new[] { 0f, 1, 2, 3, 4, 5 }));
            Assert.That(weights.Entries["transposed"].Shape, Is.EqualTo(new[] { 3, 2 }));
            Assert.That(weights.Read("transposed"), Is.EqualTo(new[] { 0f, 3, 1, 4, 2, 5 }));
            Assert.That(weights.Read("part"), Is.EqualTo(new[] { 4f, 5 }));
            Assert.That(weights.Read("column"), Is.EqualTo(new[] { 1f, 4 }));
            Assert.That(weights.Read("repeated"), Is.EqualTo(new[] { 5f, 5, 5, 5 }));
            Assert.That(weights.Read("one"), Is.EqualTo(new[] { 3f }));
            Assert.That(weights.Read("row"), Is.EqualTo(new[] { 0f, 1, 2, 3, 4, 5 }));
            Assert.That(weights.Read("none"), Is.Empty);
            Assert.That(weights.Read("half"), Is.EqualTo(new[] { 1.5f, -2 }));
            Assert.That(weights.Read("brain"), Is.EqualTo(new[] { 3f }));
            Assert.That(weights.Read("double"), Is.EqualTo(new[] { 0.25f }));
            Assert.That(() => weights.Read("ids"), Refusal.Saying("tensor ids of", "has type I64"));
            Assert.That(() => weights.Read("nothing"), Refusal.Saying("tensor nothing of", "does not exist"));
        });
    }

    [Test]
    public void ParametersAttributesAndLaterProtocolsAreRead()
    {
        byte[] pickle = PickleBuilder.Of(p => p
            .Raw(0x95, 0, 0, 0, 0, 0, 0, 0, 0) // a frame
            .Raw(0x8C, 11).Utf8("collections").Raw(0x94).Raw(0x8C, 11).Utf8("OrderedDict").Raw(0x94).Raw(0x93, 0x94, ')', 'R') // OrderedDict() by STACK_GLOBAL
            .Text("weight")
            .Global("torch._utils", "_rebuild_parameter").Tensor("FloatStorage", "0", 6, 0, [6], [1]).Raw(0x88).Raw('h', 2, ')', 'R').Raw(0x87, 'R')
            .Raw('s')
            .Dictionary(d => d.Item("_metadata", v => v.Raw('N'))).Raw('b'));
        using PickleFile weights = Open(PickleBuilder.Archive(pickle, ("data/0", SixFloats)));
        Assert.That(weights.Read("weight"), Is.EqualTo(new[] { 0f, 1, 2, 3, 4, 5 }));
    }

    [TestCase("os", "system")]
    [TestCase("builtins", "eval")]
    [TestCase("torch", "load")]
    [TestCase("torch._utils", "_rebuild_sparse_tensor")]
    [TestCase("collections", "deque")]
    public void ForeignFunctionsAreRefusedByName(string module, string name)
    {
        byte[] call = PickleBuilder.Of(p => p.Global(module, name).Text("echo").Raw(0x85, 'R'));
        byte[] mention = PickleBuilder.Of(p => p.Dictionary(d => d.Item("x", v => v.Text(module).Text(name).Raw(0x93))));
        Assert.Multiple(() =>
        {
            Assert.That(() => Open(PickleBuilder.Archive(call)), Refusal.Saying($"asks for {module}.{name}, which is refused"));
            Assert.That(() => Open(PickleBuilder.Archive(mention)), Refusal.Saying($"asks for {module}.{name}, which is refused"));
            Assert.That(() => Open(PickleBuilder.Legacy(call)), Refusal.Saying($"asks for {module}.{name}, which is refused"));
        });
    }

    [TestCase('i', TestName = "INST calls a class")]
    [TestCase('o', TestName = "OBJ calls a class")]
    [TestCase(0x81, TestName = "NEWOBJ calls a class")]
    [TestCase(0x92, TestName = "NEWOBJ_EX calls a class")]
    [TestCase(0x82, TestName = "EXT1 asks a registry")]
    [TestCase('P', TestName = "PERSID asks for an outside object")]
    [TestCase('2', TestName = "DUP is not needed")]
    public void OtherInstructionsAreRefused(int opcode)
    {
        byte[] pickle = PickleBuilder.Of(p => p.Global("collections", "OrderedDict").Raw(')').Raw(opcode).Utf8("os\nsystem\n"));
        Assert.That(() => Open(PickleBuilder.Archive(pickle)), Refusal.Saying($"instruction 0x{opcode:X2} is not one that a model's weights need"));
    }

    [Test]
    public void AViewThatReachesOutOfItsStorageIsRefused()
    {
        Assert.Multiple(() =>
        {
            foreach ((int offset, int[] shape, int[] strides) in ((int, int[], int[])[])
                [(0, [7], [1]), (1, [2, 3], [3, 1]), (6, [1], [1]), (-1, [1], [1]), (0, [2], [int.MaxValue]), (0, [2], [-1]), (5, [-1], [1]), (0, [2], [1, 1]),
                 (0, [int.MaxValue, int.MaxValue, int.MaxValue], [0, 0, 0])])
            {
                byte[] pickle = PickleBuilder.Of(p => p.Dictionary(d => d.Item("x", v => v.Tensor("FloatStorage", "0", 6, offset, shape, strides))));
                Assert.That(() => Open(PickleBuilder.Archive(pickle, ("data/0", SixFloats))), Refusal.Saying("a tensor over storage 0"), $"{offset} [{string.Join(",", shape)}] [{string.Join(",", strides)}]");
            }
        });
    }

    [Test]
    public void AStorageThatIsMissingOrShortIsRefused()
    {
        byte[] pickle = PickleBuilder.Of(p => p.Dictionary(d => d.Item("x", v => v.Tensor("FloatStorage", "0", 6, 0, [6], [1]))));
        Assert.Multiple(() =>
        {
            Assert.That(() => Open(PickleBuilder.Archive(pickle)), Refusal.Saying("has no archive/data/0"));
            Assert.That(() => Open(PickleBuilder.Archive(pickle, ("data/0", SixFloats[..^4]))), Refusal.Saying("archive/data/0", "has 20 bytes where 6 numbers of F32 are expected"));
            Assert.That(() => Open(PickleBuilder.Legacy(pickle)), Refusal.Saying("has no storage 0"));
            Assert.That(() => Open(PickleBuilder.Legacy(pickle, ("0", 5, SixFloats))), Refusal.Saying("storage 0", "has 5 numbers where 6 are expected"));
            Assert.That(() => Open(PickleBuilder.Legacy(pickle, ("0", 6, SixFloats[..^1]))), Refusal.Saying("ends inside storage 0"));
            Assert.That(() => Open(PickleBuilder.Legacy(pickle, ("0", 6, SixFloats), ("1", 6, SixFloats))), Refusal.Saying("lists a storage that no tensor uses"));
        });
    }

    [Test]
    public void AZipBombIsNotUnpacked()
    {
        byte[] pickle = PickleBuilder.Of(p => p.Dictionary(d => d.Item("x", v => v.Tensor("FloatStorage", "0", 25_000_000, 0, [25_000_000], [1]))));
        using MemoryStream archive = new();
        archive.Write(PickleBuilder.Archive(pickle));
        using (ZipArchive zip = new(archive, ZipArchiveMode.Update, leaveOpen: true))
        {
            using Stream zeros = zip.CreateEntry("archive/data/0", CompressionLevel.Optimal).Open();
            zeros.Write(new byte[100_000_000]);
        }

        Assert.That(() => Open(archive.ToArray()), Refusal.Saying("archive/data/0", "is compressed, which torch.save never does"));
    }

    [Test]
    public void WhatIsNotADictionaryOfTensorsIsRefused()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => Open(PickleBuilder.Archive(PickleBuilder.Of(p => p.Raw(']')))), Refusal.Saying("does not hold a dictionary of tensors"));
            Assert.That(() => Open(PickleBuilder.Archive(PickleBuilder.Of(p => p.Dictionary(d => d.Item("epoch", v => v.Integer(3)))))), Refusal.Saying("holds epoch, which is not a tensor"));
            Assert.That(() => Open(PickleBuilder.Archive(PickleBuilder.Of(p => p.Dictionary(d => d.Item("state", v => v.Raw('}')))))), Refusal.Saying("holds state, which is not a tensor"));
            Assert.That(() => Open(PickleBuilder.Of(p => p.Integer(3))), Refusal.Saying("not one that torch.save wrote"));
            Assert.That(() => Open("hello"u8.ToArray()), Refusal.Saying("begins neither as a zip archive nor as a pickle"));
            Assert.That(() => Open([]), Refusal.Saying("begins neither as a zip archive nor as a pickle"));
            Assert.That(() => PickleFile.Open(_folder.Path("none")), Refusal.Saying("does not exist"));
        });
    }

    [Test]
    public void AnArchiveWithoutOnePickleOrInAnotherByteOrderIsRefused()
    {
        byte[] pickle = PickleBuilder.Of(p => p.Raw('}'));
        Assert.Multiple(() =>
        {
            Assert.That(() => Open(PickleBuilder.Archive(pickle, ("other/data.pkl", pickle))), Refusal.Saying("with 2 files named data.pkl"));
            Assert.That(() => Open(PickleBuilder.Archive(pickle, ("byteorder", "big"u8.ToArray()))), Refusal.Saying("holds archive/byteorder twice"));
            Assert.That(() => Open(WithBigEndian(PickleBuilder.Archive(pickle))), Refusal.Saying("does not say \"little\""));
        });
    }

    [TestCase("0", "stack")]
    [TestCase("(0", "stack")]
    [TestCase("]e", "mark")]
    [TestCase("R", "stack")]
    [TestCase("N)R", "a function is expected")]
    [TestCase("h\u0007", "refers to an object 7")]
    [TestCase("}(Nu", "a key is without a value")]
    [TestCase("N(NNu", "a dictionary is expected")]
    [TestCase("(]s", "too little is on its stack")]
    [TestCase("NQ", "refers to an outside object")]
    [TestCase("X\u007F\u007F\u007F\u007F", "ends too early")]
    [TestCase("ctorch", "ends too early")]
    [TestCase("", "stack")]
    public void AMalformedPickleIsRefused(string instructions, string expected)
    {
        byte[] pickle = PickleBuilder.Of(p => p.Utf8(instructions));
        Assert.That(() => Open(PickleBuilder.Archive(pickle)), Refusal.Saying(expected));
    }

    [Test]
    public void WhateverHappensToAFileItIsReadOrRefused([Values] bool legacy)
    {
        byte[] pickle = PickleBuilder.Of(p => p.Dictionary(d => d
            .Item("x", v => v.Tensor("FloatStorage", "0", 6, 0, [2, 3], [3, 1]))
            .Item("y", v => v.Tensor("FloatStorage", "0", 6, 0, [3, 2], [1, 3]))));
        byte[] whole = legacy ? PickleBuilder.Legacy(pickle, ("0", 6, SixFloats)) : PickleBuilder.Archive(pickle, ("data/0", SixFloats));
        Random random = new(1);
        for (int trial = 0; trial < 3000; trial++)
        {
            byte[] spoilt = trial < whole.Length ? whole[..trial] : (byte[])whole.Clone();
            for (int change = 0; trial >= whole.Length && change < 1 + (trial % 3); change++)
            {
                spoilt[random.Next(spoilt.Length)] = (byte)random.Next(256);
            }

            try
            {
                using PickleFile weights = Open(spoilt);
                foreach (string name in weights.Entries.Keys)
                {
                    weights.Read(name);
                }
            }
            catch (InputException refused)
            {
                Assert.That(refused.Message, Does.Contain(_folder.Path("pytorch_model.bin")));
            }
        }
    }

    private static byte[] WithBigEndian(byte[] archive)
    {
        "bigger"u8.CopyTo(archive.AsSpan(archive.AsSpan().IndexOf("little"u8)));
        return archive;
    }

    private static byte[] Floats(params float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private PickleFile Open(byte[] file)
    {
        string path = _folder.Path("pytorch_model.bin");
        File.WriteAllBytes(path, file);
        return PickleFile.Open(path);
    }
}
