using System.Text.Json;
using MnrEngine.Testing;
using MnrEngine.Text;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>One line of fixtures/tokenizer: a text and the ids that Hugging Face's tokenizer gave for it.</summary>
internal sealed record TokenizerCase(int Line, string Text, int[] Ids, int? MaxLength, TokenizerOptions Options)
{
    public static IReadOnlyList<TokenizerCase> Read(string name, TokenizerOptions defaults)
    {
        List<TokenizerCase> cases = [];
        foreach (string line in File.ReadLines(Fixtures.Path("tokenizer", name)))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement row = document.RootElement;
            JsonElement maxLength = row.GetProperty("max_length");
            JsonElement stripAccents = row.GetProperty("strip_accents");
            TokenizerOptions options = defaults with
            {
                Lowercase = row.GetProperty("lowercase").GetBoolean(),
                StripAccents = stripAccents.ValueKind == JsonValueKind.Null ? null : stripAccents.GetBoolean(),
                TokenizeChineseChars = row.GetProperty("chinese").GetBoolean(),
            };
            cases.Add(new TokenizerCase(
                cases.Count + 1,
                row.GetProperty("text").GetString()!,
                [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
                maxLength.ValueKind == JsonValueKind.Null ? null : maxLength.GetInt32(),
                options));
        }

        return cases;
    }

    public override string ToString()
    {
        return $"line {Line}: {JsonSerializer.Serialize(Text)}";
    }
}
