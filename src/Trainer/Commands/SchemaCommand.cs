using System.CommandLine;
using MnrEngine.Trainer.Config;

namespace MnrEngine.Trainer.Commands;

/// <summary>
/// <c>schema</c>, for whoever changes the config's types: writes docs/config.schema.json, or with <c>--keys</c> the table of keys in docs/config.md. Tests fail
/// when either is stale.
/// </summary>
internal static class SchemaCommand
{
    public static Command Create()
    {
        Option<bool> keys = new("--keys") { Description = "Write the keys as Markdown instead." };
        Command command = new("schema", "Writes the JSON Schema of configs.") { keys };
        command.Hidden = true;
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.Write(
            parsed.GetValue(keys) ? ConfigReference.Markdown(new SchemaNode(ConfigSchema.Generate())) : ConfigSchema.Text(ConfigSchema.Generate())));
        return command;
    }
}
