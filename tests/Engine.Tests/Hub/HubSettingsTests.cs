using MnrEngine.Hub;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>The variables of Python's huggingface_hub and their defaults.</summary>
public sealed class HubSettingsTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Defaults()
    {
        HubSettings settings = From();

        Assert.That(settings.Endpoint, Is.EqualTo("https://huggingface.co"));
        Assert.That(settings.CacheFolder, Is.EqualTo(_folder.Path(".cache", "huggingface", "hub")));
        Assert.That((settings.Token, settings.Offline, settings.Symlinks, settings.ProgressBars), Is.EqualTo(((string?)null, false, true, true)));
        Assert.That((settings.MetadataTimeout.TotalSeconds, settings.DownloadTimeout.TotalSeconds), Is.EqualTo((10, 10)));
    }

    [TestCase("XDG_CACHE_HOME=/x", "/x/huggingface/hub")]
    [TestCase("HF_HOME=/h", "/h/hub")]
    [TestCase("HF_HOME=/h XDG_CACHE_HOME=/x", "/h/hub")]
    [TestCase("HF_HUB_CACHE=/c HF_HOME=/h", "/c")]
    [TestCase("HUGGINGFACE_HUB_CACHE=/old HF_HOME=/h", "/old")]
    [TestCase("HUGGINGFACE_HUB_CACHE=/old HF_HUB_CACHE=/c", "/c")]
    [TestCase("HF_HUB_CACHE=~/c", "HOME/c")]
    [TestCase("HF_HUB_CACHE=$SCRATCH/c SCRATCH=/s", "/s/c")]
    [TestCase("HF_HUB_CACHE=${SCRATCH}c SCRATCH=/s", "/sc")]
    [Platform(Exclude = "Win")]
    public void TheCachesFolder(string environment, string folder) =>
        Assert.That(From(environment).CacheFolder, Is.EqualTo(folder.Replace("HOME", _folder.Root)));

    [TestCase("HF_TOKEN=hf_one", "hf_one")]
    [TestCase("HF_TOKEN=hf_one HUGGING_FACE_HUB_TOKEN=hf_two", "hf_one")]
    [TestCase("HUGGING_FACE_HUB_TOKEN=hf_two", "hf_two")]
    [TestCase("", "hf_file")]
    [TestCase("HF_TOKEN_PATH=HOME/elsewhere", "hf_elsewhere")]
    [TestCase("HF_TOKEN_PATH=HOME/nowhere", null)]
    [TestCase("HF_TOKEN=hf_one HF_HUB_DISABLE_IMPLICIT_TOKEN=1", null)]
    public void TheToken(string environment, string? token)
    {
        _folder.Write(".cache/huggingface/token", "hf_file\r\n");
        _folder.Write("elsewhere", " hf_elsewhere ");

        Assert.That(From(environment.Replace("HOME", _folder.Root)).Token, Is.EqualTo(token));
    }

    [Test]
    public void ATokenThatIsNoneIsNotShown()
    {
        InputException error = Assert.Throws<InputException>(() => From("HF_TOKEN=hf_ü"));

        Assert.That(error.Message, Is.EqualTo("the token in HF_TOKEN holds a character that no token has"));
    }

    [TestCase("HF_HUB_OFFLINE=1", true)]
    [TestCase("HF_HUB_OFFLINE=yes", true)]
    [TestCase("HF_HUB_OFFLINE=True", true)]
    [TestCase("HF_HUB_OFFLINE=on", true)]
    [TestCase("HF_HUB_OFFLINE=0", false)]
    [TestCase("TRANSFORMERS_OFFLINE=1", true)]
    [TestCase("HF_HUB_OFFLINE=0 TRANSFORMERS_OFFLINE=1", false)]
    public void Offline(string environment, bool offline) => Assert.That(From(environment).Offline, Is.EqualTo(offline));

    [Test]
    public void Switches()
    {
        HubSettings settings = From("HF_HUB_DISABLE_SYMLINKS=1 HF_HUB_DISABLE_PROGRESS_BARS=1 HF_HUB_ETAG_TIMEOUT=30 HF_HUB_DOWNLOAD_TIMEOUT=60 HF_ENDPOINT=https://mirror.example/hf/");

        Assert.That((settings.Symlinks, settings.ProgressBars), Is.EqualTo((false, false)));
        Assert.That((settings.MetadataTimeout.TotalSeconds, settings.DownloadTimeout.TotalSeconds), Is.EqualTo((30, 60)));
        Assert.That(settings.Endpoint, Is.EqualTo("https://mirror.example/hf"));
    }

    [TestCase("HF_ENDPOINT=mirror", "HF_ENDPOINT is mirror, but has to be an address such as https://huggingface.co")]
    [TestCase("HF_ENDPOINT=file:///etc", "HF_ENDPOINT is file:///etc, but has to be an address")]
    [TestCase("HF_HUB_ETAG_TIMEOUT=soon", "HF_HUB_ETAG_TIMEOUT is soon, but has to be a whole number of seconds")]
    public void ValuesThatAreNone(string environment, string sentence) => Assert.That(() => From(environment), Refusal.Saying(sentence));

    private HubSettings From(string environment = "")
    {
        Dictionary<string, string> variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static pair => pair.Split('=')).ToDictionary(static pair => pair[0], static pair => pair[1]);
        variables[OperatingSystem.IsWindows() ? "USERPROFILE" : "HOME"] = _folder.Root;
        return HubSettings.From(variables.GetValueOrDefault);
    }
}
