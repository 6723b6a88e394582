using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MnrEngine.Data;
using MnrEngine.Peers.Torch;
using MnrEngine.Serialization;
using MnrEngine.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

// What sentence-transformers does with torch, timed: training steps (a padded forward pass for each column, MNR loss, backward, clipping, AdamW)
// and encoding (sorted by length). Usage: torch-peer MODEL DATA [--batch-size N] [--steps N] [--encode N] [--threads N] [--pad LENGTH] [--check]
Dictionary<string, string> options = [];
List<string> operands = [];
for (int i = 0; i < args.Length; i++)
{
    if (args[i].StartsWith("--", StringComparison.Ordinal))
    {
        options[args[i][2..]] = i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[++i] : "";
    }
    else
    {
        operands.Add(args[i]);
    }
}

if (operands.Count != 2)
{
    Console.Error.WriteLine("usage: torch-peer MODEL DATA [--batch-size N] [--steps N] [--encode N] [--threads N] [--pad LENGTH] [--check]");
    return 2;
}

int Option(string name, int otherwise) => options.TryGetValue(name, out string? value) ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
const int WarmupSteps = 3;
int batchSize = Option("batch-size", 32);
int steps = Option("steps", 10);
int encode = Option("encode", 1000);
int padding = Option("pad", 0);
set_num_threads(Option("threads", Environment.ProcessorCount));
random.manual_seed(1);

using ModelFolder model = ModelFolder.Open(operands[0]);
WordPieceTokenizer tokenizer = WordPieceTokenizer.Load(model.TransformerFolder);
TextDataset dataset = TextDataset.Load(new DatasetSource(operands[1]));
using BertEncoder encoder = new(model.Description.Transformer);
encoder.Load(model);

TokenizedTexts[] columns = [.. dataset.Columns.Take(2).Select(column => tokenizer.EncodeBatch(column, model.Description.MaxSequenceLength))];
if (options.ContainsKey("check"))
{
    encoder.eval();
    using (no_grad())
    {
        (Tensor ids, Tensor mask) = Pad(columns[0], [.. Enumerable.Range(0, 4)]);
        float[] values = encoder.forward(ids, mask).data<float>().ToArray();
        Console.WriteLine(JsonSerializer.Serialize(values));
    }

    return 0;
}

double[] stepSeconds = steps > 0 ? Train() : [];
double encodeSeconds = encode > 0 ? Encode() : 0;
Console.WriteLine(JsonSerializer.Serialize(new
{
    torch = __version__,
    threads = get_num_threads(),
    batch_size = batchSize,
    padded_to = padding == 0 ? "the longest of each column" : $"{padding}",
    step_seconds_median = stepSeconds.Length > 0 ? stepSeconds.Order().ElementAt(stepSeconds.Length / 2) : 0,
    step_seconds_best = stepSeconds.DefaultIfEmpty().Min(),
    encode_sentences = encode,
    encode_seconds = encodeSeconds,
}));
return 0;

double[] Train()
{
    encoder.train();
    AdamW optimizer = torch.optim.AdamW(encoder.parameters(), lr: 2e-5, weight_decay: 0.01);
    double[] seconds = new double[steps];
    for (int step = 0; step < WarmupSteps + steps; step++)
    {
        using DisposeScope scope = NewDisposeScope();
        int[] rows = [.. Enumerable.Range(0, batchSize).Select(i => ((step * batchSize) + i) % dataset.Count)];
        long start = Stopwatch.GetTimestamp();
        Tensor[] embeddings = [.. columns.Select(column =>
        {
            (Tensor ids, Tensor mask) = Pad(column, rows);
            return nn.functional.normalize(encoder.forward(ids, mask), p: 2, dim: 1);
        })];
        Tensor scores = mm(embeddings[0], embeddings[1].t()) * 20;
        Tensor loss = nn.functional.cross_entropy(scores, arange(batchSize, int64));
        loss.backward();
        nn.utils.clip_grad_norm_(encoder.parameters(), 1);
        optimizer.step();
        optimizer.zero_grad();
        loss.ToSingle();
        if (step >= WarmupSteps)
        {
            seconds[step - WarmupSteps] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    return seconds;
}

double Encode()
{
    encoder.eval();
    using IDisposable noGradient = inference_mode();
    (int Column, int Row)[] order = [.. Enumerable.Range(0, columns.Length)
        .SelectMany(c => Enumerable.Range(0, dataset.Count).Select(r => (Column: c, Row: r)))
        .Take(encode)
        .OrderByDescending(at => columns[at.Column][at.Row].Length)];
    double best = double.PositiveInfinity;
    for (int run = 0; run < 3; run++)
    {
        long start = Stopwatch.GetTimestamp();
        for (int first = 0; first < order.Length; first += batchSize)
        {
            using DisposeScope scope = NewDisposeScope();
            (int Column, int Row)[] batch = [.. order.Skip(first).Take(batchSize)];
            (Tensor ids, Tensor mask) = PadSentences([.. batch.Select(at => columns[at.Column][at.Row].ToArray())]);
            encoder.forward(ids, mask).data<float>().ToArray();
        }

        best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    return best;
}

(Tensor Ids, Tensor Mask) Pad(TokenizedTexts column, int[] rows) => PadSentences([.. rows.Select(row => column[row].ToArray())]);

(Tensor Ids, Tensor Mask) PadSentences(int[][] sentences)
{
    int length = Math.Max(padding, sentences.Max(static s => s.Length));
    long[] ids = new long[sentences.Length * length];
    bool[] mask = new bool[ids.Length];
    for (int i = 0; i < sentences.Length; i++)
    {
        for (int j = 0; j < sentences[i].Length; j++)
        {
            ids[(i * length) + j] = sentences[i][j];
            mask[(i * length) + j] = true;
        }
    }

    return (tensor(ids).reshape(sentences.Length, length), tensor(mask).reshape(sentences.Length, length));
}
