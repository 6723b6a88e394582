using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>Ids equal those of Hugging Face's fast tokenizers, text for text.</summary>
[TestFixture]
public class ReferenceIdsTests
{
    internal static string VocabularyPath { get; } = Path.Combine(AppContext.BaseDirectory, "vocab", "vocab.txt");

    [Test]
    public void Every_text_of_bert_base_uncased_has_the_reference_ids()
    {
        WordPieceTokenizer tokenizer = WordPieceTokenizer.FromVocabulary(VocabularyPath);
        AssertReferenceIds(TokenizerCase.Read("bert-uncased.jsonl", TokenizerOptions.Bert), _ => tokenizer);
    }

    [Test]
    public void Every_variant_of_the_normalizer_has_the_reference_ids()
    {
        Dictionary<TokenizerOptions, WordPieceTokenizer> tokenizers = [];
        AssertReferenceIds(TokenizerCase.Read("bert-variants.jsonl", TokenizerOptions.Bert), options =>
        {
            if (!tokenizers.TryGetValue(options, out WordPieceTokenizer? tokenizer))
            {
                tokenizers.Add(options, tokenizer = WordPieceTokenizer.FromVocabulary(VocabularyPath, options));
            }

            return tokenizer;
        });
    }

    [Test]
    public void Every_text_of_mpnet_has_the_reference_ids()
    {
        string[] vocabulary = ["<s>", "<pad>", "</s>", "<unk>", .. File.ReadLines(VocabularyPath), "<mask>"];
        WordPieceTokenizer tokenizer = new(vocabulary, TokenizerOptions.Mpnet);
        AssertReferenceIds(TokenizerCase.Read("mpnet.jsonl", TokenizerOptions.Mpnet), _ => tokenizer);
    }

    private static void AssertReferenceIds(
        IReadOnlyList<TokenizerCase> cases, Func<TokenizerOptions, WordPieceTokenizer> tokenizerFor)
    {
        Assert.That(cases, Is.Not.Empty);
        Assert.Multiple(() =>
        {
            foreach (TokenizerCase expected in cases)
            {
                int[] ids = tokenizerFor(expected.Options).Encode(expected.Text, expected.MaxLength);
                Assert.That(ids, Is.EqualTo(expected.Ids), expected.ToString());
            }
        });
    }
}
