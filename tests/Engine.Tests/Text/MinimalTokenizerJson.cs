using System.Text.Json.Nodes;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>The least tokenizer.json that is one, for tests that change one section of it.</summary>
internal static class MinimalTokenizerJson
{
    public const string Text = """
        {
          "added_tokens": [{"id": 1, "content": "[UNK]", "special": true}],
          "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true},
          "pre_tokenizer": {"type": "BertPreTokenizer"},
          "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "[SEP]"}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2]}, "[SEP]": {"id": "[SEP]", "ids": [3]}}
          },
          "model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5}}
        }
        """;

    /// <summary>The same with one section replaced by other JSON, or removed.</summary>
    public static string With(string section, string? json)
    {
        JsonObject file = JsonNode.Parse(Text)!.AsObject();
        file.Remove(section);
        if (json is not null)
        {
            file.Add(section, JsonNode.Parse(json));
        }

        return file.ToJsonString();
    }
}
