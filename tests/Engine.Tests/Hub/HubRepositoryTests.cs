using MnrEngine.Hub;
using MnrEngine.Testing;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Hub;

/// <summary>What is an id of the hub, and what is none.</summary>
public sealed class HubRepositoryTests
{
    [TestCase("bert-base-uncased", "models--bert-base-uncased")]
    [TestCase("sentence-transformers/all-MiniLM-L6-v2", "models--sentence-transformers--all-MiniLM-L6-v2")]
    [TestCase("owner/name.with_dots-2", "models--owner--name.with_dots-2")]
    [TestCase("a", "models--a")]
    public void Ids(string text, string folder)
    {
        HubRepository repository = HubRepository.TryParse(text, HubKind.Model)!;

        Assert.That((repository.Id, repository.Revision, repository.CacheName), Is.EqualTo((text, "main", folder)));
    }

    [Test]
    public void ADataSetHasAFolderOfItsOwn() =>
        Assert.That(HubRepository.TryParse("sentence-transformers/all-nli", HubKind.Dataset)!.CacheName, Is.EqualTo("datasets--sentence-transformers--all-nli"));

    [TestCase("")]
    [TestCase("/abs/olute")]
    [TestCase("./here")]
    [TestCase("../there")]
    [TestCase("a/b/c")]
    [TestCase("owner/")]
    [TestCase("owner/a--b")]
    [TestCase("owner/a..b")]
    [TestCase("owner/name.git")]
    [TestCase("owner/-name")]
    [TestCase("owner/name.")]
    [TestCase(@"folder\name")]
    [TestCase("C:name")]
    [TestCase("with space/name")]
    [TestCase("owner/näme")]
    [TestCase("owner/name\n")]
    [TestCase("vocab.txt")]
    [TestCase("folder/tokenizer.json")]
    public void PathsAreNoIds(string text) => Assert.That(HubRepository.TryParse(text, HubKind.Model), Is.Null);

    [Test]
    public void ANameHasAtMost96Characters()
    {
        Assert.That(HubRepository.TryParse($"owner/{new string('a', 96)}", HubKind.Model), Is.Not.Null);
        Assert.That(HubRepository.TryParse($"owner/{new string('a', 97)}", HubKind.Model), Is.Null);
    }

    [TestCase("data/pairs.tsv")]
    [TestCase("data/pairs.csv")]
    [TestCase("pairs.jsonl")]
    [TestCase("data/pairs.tsv.gz")]
    [TestCase("data/train.parquet")]
    [TestCase("data/snli_1.0.zip")]
    [TestCase("data/*.parquet")]
    public void FilesOfRowsAreNoIds(string text) => Assert.That(HubRepository.TryParse(text, HubKind.Dataset), Is.Null);

    [TestCase("owner/name@v1.0", null, "v1.0")]
    [TestCase("owner/name", "v1.0", "v1.0")]
    [TestCase("owner/name@v1.0", "v1.0", "v1.0")]
    [TestCase("owner/name@refs/pr/3", null, "refs/pr/3")]
    public void Revisions(string text, string? revision, string expected)
    {
        HubRepository repository = HubRepository.TryParse(text, HubKind.Model, revision)!;

        Assert.That((repository.Id, repository.Revision), Is.EqualTo(("owner/name", expected)));
    }

    [TestCase("owner/name@../../x")]
    [TestCase("owner/name@/etc")]
    [TestCase("owner/name@a//b")]
    [TestCase("owner/name@")]
    [TestCase("owner/name@a b")]
    [TestCase(@"owner/name@a\b")]
    public void RevisionsThatAreNone(string text) => Assert.That(() => HubRepository.TryParse(text, HubKind.Model), Refusal.Saying("can't be a revision of owner/name"));

    [Test]
    public void TwoRevisionsAreOneTooMany() =>
        Assert.That(() => HubRepository.TryParse("owner/name@v1", HubKind.Model, "v2"), Refusal.Saying("owner/name@v1 names the revision v1, but v2 is asked for as well"));

    [TestCase("0123456789abcdef0123456789abcdef01234567", true)]
    [TestCase("0123456", false)]
    [TestCase("main", false)]
    public void Commits(string revision, bool isCommit) => Assert.That(HubRepository.TryParse("owner/name", HubKind.Model, revision)!.IsCommit, Is.EqualTo(isCommit));

    [Test]
    public void AddressesEscapeWhatNeedsIt()
    {
        HubRepository repository = HubRepository.TryParse("owner/name", HubKind.Dataset, "refs/pr/3")!;

        Assert.That(repository.InfoAddress("https://hub"), Is.EqualTo("https://hub/api/datasets/owner/name/revision/refs%2Fpr%2F3"));
        Assert.That(repository.FileAddress("https://hub", "abc", "data/a file #1.csv"), Is.EqualTo("https://hub/datasets/owner/name/resolve/abc/data/a%20file%20%231.csv"));
    }
}
