using System.CommandLine;
using System.Text;
using System.Text.Json;
using MnrEngine.Text;
using MnrEngine.Trainer.Runs;

namespace MnrEngine.Trainer.Commands;

/// <summary>
/// <c>tokenize</c>: JSON lines in, JSON lines out. A line is a text, or an object with a <c>text</c> and perhaps a <c>max_length</c>; the answer is an object with
/// its <c>ids</c> and <c>tokens</c>.
/// </summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        Argument<string> model = new("model") { Description = "A model's folder or its id on the Hugging Face hub, a vocab.txt or a tokenizer.json." };
        Argument<string> input = new("input") { Description = "JSON lines: texts, or objects with a text and perhaps a max_length. Without it, or with -, what comes from standard input.", Arity = ArgumentArity.ZeroOrOne };
        Option<int?> maxLength = new("--max-length") { Description = "The longest result in tokens, [CLS] and [SEP] included, for lines without their own." };
        Command command = new("tokenize", "Turns texts into token ids.") { model, input, maxLength };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetValue(input), parsed.GetValue(maxLength), parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error));
        return command;
    }

    private static void Run(string model, string? input, int? maxLength, TextWriter output, TextWriter log)
    {
        if (maxLength < 2)
        {
            throw new InputException($"--max-length is {maxLength}, but has to be at least 2: every text has a first and a last token");
        }

        WordPieceTokenizer tokenizer = Load(HubFiles.Tokenizer(model, log));
        string name = input is null or "-" ? "standard input" : input;
        long number = 0;
        foreach (string line in TextLines.Read(input))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                output.WriteLine(Answer(tokenizer, line, $"{name}:{number}", maxLength));
            }
        }
    }

    /// <summary>The tokenizer of a model's folder, a tokenizer.json or a vocab.txt.</summary>
    public static WordPieceTokenizer Load(string model) =>
        Directory.Exists(model) ? WordPieceTokenizer.Load(model)
        : model.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? WordPieceTokenizer.FromTokenizerJson(model)
        : WordPieceTokenizer.FromVocabulary(model);

    private static string Answer(WordPieceTokenizer tokenizer, string line, string where, int? maxLength)
    {
        (string text, int? ownLength) = Question(line, where);
        int[] ids = tokenizer.Encode(text, ownLength ?? maxLength);
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("ids");
            foreach (int id in ids)
            {
                json.WriteNumberValue(id);
            }

            json.WriteEndArray();
            json.WriteStartArray("tokens");
            foreach (string token in tokenizer.Tokens(ids))
            {
                json.WriteStringValue(token);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static (string Text, int? MaxLength) Question(string line, string where)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            if (root.ValueKind == JsonValueKind.String)
            {
                return (root.GetString()!, null);
            }

            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String)
            {
                return (text.GetString()!, MaxLength(root, where));
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InputException($"{where}: the line is not valid JSON, but a text in quotation marks or an object with a text was expected", error);
        }

        throw new InputException($"{where}: the line has no text; expected is a text in quotation marks or an object with a text");
    }

    private static int? MaxLength(JsonElement root, string where)
    {
        if (!root.TryGetProperty("max_length", out JsonElement given) || given.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return given.ValueKind == JsonValueKind.Number && given.TryGetInt32(out int length) && length >= 2
            ? length
            : throw new InputException($"{where}: max_length is {given.GetRawText()}, but has to be a whole number of at least 2, or null");
    }
}
