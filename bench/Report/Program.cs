using MnrEngine.Bench.Report;

// Usage: MnrEngine.Bench.Report FOLDER: reads what bench/run.sh left in the folder, writes report.md and charts into it.
if (args.Length != 1 || !Directory.Exists(args[0]))
{
    Console.Error.WriteLine("usage: MnrEngine.Bench.Report FOLDER, the one that bench/run.sh wrote");
    return 2;
}

Results results = new(args[0]);
File.WriteAllText(Path.Combine(args[0], "report.md"), Tables.Write(results));
Charts.Draw(results, args[0]);
Console.WriteLine(Path.Combine(args[0], "report.md"));
return 0;
