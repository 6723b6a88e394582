return MnrEngine.Trainer.CommandLine.Run(args, Console.Out, Console.Error);
