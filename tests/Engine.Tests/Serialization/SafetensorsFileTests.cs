using System.Buffers.Binary;
using System.Text;
using MnrEngine.Serialization;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Serialization;

public sealed class SafetensorsFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void WhatTheReferenceLibraryWroteIsReadAndWrittenAgainByteForByte()
    {
        string original = Fixtures.Path("models", "tiny-bert", "model.safetensors");
        using SafetensorsFile file = SafetensorsFile.Open(original);
        SafetensorsWriter writer = new();
        foreach ((string name, WeightEntry entry) in file.Entries)
        {
            writer.Add(name, [.. entry.Shape], file.Read(name));
        }

        using MemoryStream written = new();
        writer.WriteTo(written);
        Assert.That(written.ToArray(), Is.EqualTo(File.ReadAllBytes(original)));
    }

    [Test]
    public void EveryFloatingPointTypeIsConverted()
    {
        SafetensorsWriter writer = new();
        writer.AddStored("f64", WeightType.F64, [2], Bytes(BitConverter.GetBytes(1.5), BitConverter.GetBytes(-1e-3)));
        writer.AddStored("f16", WeightType.F16, [2], Bytes(BitConverter.GetBytes((Half)1.5f), BitConverter.GetBytes((Half)(-6e-8f))));
        writer.AddStored("bf16", WeightType.BF16, [2], new byte[] { 0xC0, 0x3F, 0x20, 0xC1 });
        using SafetensorsFile file = Write(writer);
        Assert.Multiple(() =>
        {
            Assert.That(file.Read("f64"), Is.EqualTo(new[] { 1.5f, -1e-3f }));
            Assert.That(file.Read("f16"), Is.EqualTo(new[] { 1.5f, -5.9604645e-8f }));
            Assert.That(file.Read("bf16"), Is.EqualTo(new[] { 1.5f, -10f }));
        });
    }

    [Test]
    public void HalfPrecisionTensorsLargerThanOneReadAreConvertedWhole()
    {
        Half[] values = [.. Enumerable.Range(0, 300_001).Select(i => (Half)(i % 1024))];
        SafetensorsWriter writer = new();
        writer.AddStored("large", WeightType.F16, [values.Length], Bytes([.. values.Select(BitConverter.GetBytes)]));
        using SafetensorsFile file = Write(writer);
        Assert.That(file.Read("large"), Is.EqualTo(values.Select(value => (float)value)));
    }

    [Test]
    public void IntegersAreReadAsTheyAreAndNeverAsWeights()
    {
        SafetensorsWriter writer = new();
        writer.AddStored("ids", WeightType.I32, [3], Bytes([.. new[] { 1, -2, int.MaxValue }.Select(BitConverter.GetBytes)]));
        using SafetensorsFile file = Write(writer);
        int[] ids = new int[3];
        file.ReadStored<int>("ids", WeightType.I32, ids);
        Assert.Multiple(() =>
        {
            Assert.That(ids, Is.EqualTo(new[] { 1, -2, int.MaxValue }));
            Assert.That(() => file.Read("ids"), Refusal.Saying($"tensor ids of {file.Path} has type I32 where F32, F16, BF16 or F64 is expected"));
            Assert.That(() => file.ReadStored<long>("ids", WeightType.I64, new long[3]), Refusal.Saying($"tensor ids of {file.Path} has type I32 where I64 is expected"));
        });
    }

    [Test]
    public void ScalarsAndEmptyTensorsAreTensors()
    {
        SafetensorsWriter writer = new();
        writer.Add("none", [0, 5], Array.Empty<float>());
        writer.Add("one", [], new[] { 7f });
        writer.Add("nothing", [0], Array.Empty<float>());
        using SafetensorsFile file = Write(writer);
        Assert.Multiple(() =>
        {
            Assert.That(file.Read("one"), Is.EqualTo(new[] { 7f }));
            Assert.That(file.Read("none"), Is.Empty);
            Assert.That(file.Entries["none"].Shape, Is.EqualTo(new[] { 0, 5 }));
        });
    }

    [Test]
    public void MetadataAndUnusualNamesSurvive()
    {
        SafetensorsWriter writer = new();
        writer.AddMetadata("note", "größer \"und\" \n so");
        writer.Add("a \"b\" \u00e9\U0001F600", [1], new[] { 1f });
        using SafetensorsFile file = Write(writer);
        Assert.Multiple(() =>
        {
            Assert.That(file.Metadata, Is.EqualTo(new Dictionary<string, string> { ["format"] = "pt", ["note"] = "größer \"und\" \n so" }));
            Assert.That(file.Read("a \"b\" \u00e9\U0001F600"), Is.EqualTo(new[] { 1f }));
        });
    }

    [TestCase(0)]
    [TestCase(7)]
    [TestCase(8)]
    [TestCase(100)]
    public void AFileCutInItsHeaderIsRefused(int length)
    {
        byte[] whole = File.ReadAllBytes(Fixtures.Path("models", "tiny-bert", "model.safetensors"));
        string path = Put(whole[..length]);
        Assert.That(() => SafetensorsFile.Open(path), Refusal.Saying(path));
    }

    [Test]
    public void AFileCutInItsNumbersIsRefused()
    {
        byte[] whole = File.ReadAllBytes(Fixtures.Path("models", "tiny-bert", "model.safetensors"));
        string path = Put(whole[..^1]);
        Assert.That(() => SafetensorsFile.Open(path), Refusal.Saying("truncated"));
    }

    [Test]
    public void AnEndlessHeaderIsRefusedBeforeAnythingIsAllocated([Values(100_000_001, long.MaxValue, -1)] long length)
    {
        byte[] file = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(file, length);
        string path = Put(file);
        Assert.That(() => SafetensorsFile.Open(path), Refusal.Saying("more than safetensors' limit"));
    }

    [TestCase("""[1]""", "is a JSON Array where an object is expected")]
    [TestCase("""{"x":""", "is not valid JSON at line 1")]
    [TestCase("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "is not valid JSON")]
    [TestCase("""{"x\uD800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "surrogate")]
    [TestCase("""{"__metadata__":{"format":1}}""", "__metadata__.format")]
    [TestCase("""{"__metadata__":"pt"}""", "__metadata__")]
    [TestCase("""{"x":{"dtype":"F32","shape":[2]}}""", "tensor x")]
    [TestCase("""{"x":[1]}""", "tensor x")]
    [TestCase("""{"x":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}""", "unknown dtype F31")]
    [TestCase("""{"x":{"dtype":"3","shape":[2],"data_offsets":[0,8]}}""", "unknown dtype 3")]
    [TestCase("""{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "-2 in its shape")]
    [TestCase("""{"x":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", "2.5 in its shape")]
    [TestCase("""{"x":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", "\"2\" in its shape")]
    [TestCase("""{"x":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}}""", "more numbers than a file can hold")]
    [TestCase("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "spans 8 bytes where its shape [3] of F32 needs 12")]
    [TestCase("""{"x":{"dtype":"F16","shape":[3],"data_offsets":[2,8]}}""", "leaves 2 bytes before it to no tensor")]
    [TestCase("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "data_offsets [8,0]")]
    [TestCase("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "data_offsets [-8,0]")]
    [TestCase("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "data_offsets")]
    [TestCase("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "ends at byte 12 of the data, of which the file has only 8")]
    [TestCase("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "has 8 bytes of data but its header describes 4")]
    [TestCase("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "tensor y of")]
    [TestCase("""{}""", "has 8 bytes of data but its header describes 0")]
    public void AHeaderThatLiesIsRefused(string header, string expected)
    {
        string path = Put(WithHeader(header, 8));
        Assert.That(() => SafetensorsFile.Open(path), Refusal.Saying(expected));
    }

    [Test]
    public void AHeaderThatIsNotTextIsRefused()
    {
        byte[] file = WithHeader("""{"xx":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8);
        file[10] = 0xFF;
        string path = Put(file);
        Assert.That(() => SafetensorsFile.Open(path), Refusal.Saying("is not valid UTF-8"));
    }

    [Test]
    public void AMissingFileAndAFolderAreRefused()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => SafetensorsFile.Open(_folder.Path("no")), Refusal.Saying("does not exist"));
            Assert.That(() => SafetensorsFile.Open(_folder.Path("no", "no")), Refusal.Saying("does not exist"));
            Assert.That(() => SafetensorsFile.Open(_folder.Root), Refusal.Saying("can't be read"));
        });
    }

    [Test]
    public void AMissingTensorIsNamed()
    {
        using SafetensorsFile file = SafetensorsFile.Open(Put(WithHeader("{}", 0)));
        Assert.That(() => file.Read("x"), Refusal.Saying($"tensor x of {file.Path} does not exist"));
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    [TestCase(float.NegativeInfinity)]
    public void NumbersThatAreNotFiniteAreRefusedWhereTheyAre(float value)
    {
        foreach (int place in (int[])[0, 5, 36])
        {
            float[] values = new float[37];
            values[place] = value;
            SafetensorsWriter writer = new();
            writer.Add("x", [37], values);
            using SafetensorsFile file = Write(writer);
            Assert.That(() => file.ReadFinite("x", [37], values), Refusal.Saying($"tensor x of {file.Path} holds {value} at element {place}"));
        }
    }

    [Test]
    public void LargeButFiniteNumbersAreRead()
    {
        float[] values = [.. Enumerable.Repeat(float.MaxValue, 37)];
        SafetensorsWriter writer = new();
        writer.Add("x", [37], values);
        using SafetensorsFile file = Write(writer);
        float[] read = new float[37];
        file.ReadFinite("x", [37], read);
        Assert.That(read, Is.EqualTo(values));
    }

    private static byte[] Bytes(params byte[][] parts) => [.. parts.SelectMany(part => part)];

    private static byte[] WithHeader(string header, int dataLength)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + text.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, 8);
        return file;
    }

    private string Put(byte[] bytes)
    {
        string path = _folder.Path("model.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private SafetensorsFile Write(SafetensorsWriter writer)
    {
        using MemoryStream stream = new();
        writer.WriteTo(stream);
        return SafetensorsFile.Open(Put(stream.ToArray()));
    }
}
