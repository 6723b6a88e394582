using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnrEngine.Trainer.Config;

/// <summary>
/// One <c>--set path.to.key=value</c>. Elements of arrays are named by their number: <c>data.files[0].path</c> or <c>data.files.0.path</c>. The value is JSON,
/// or if it is not valid JSON, the text itself.
/// </summary>
internal sealed class ConfigOverride
{
    private readonly string _setting;
    private readonly string[] _steps;
    private readonly JsonNode? _value;

    private ConfigOverride(string setting, string[] steps, JsonNode? value)
    {
        _setting = setting;
        _steps = steps;
        _value = value;
    }

    /// <summary>Reads a setting.</summary>
    /// <param name="text">What follows --set.</param>
    /// <exception cref="InputException">It is not of the form key=value.</exception>
    public static ConfigOverride Parse(string text)
    {
        string setting = $"--set {text}";
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string[] steps = equals <= 0 ? [] : text[..equals].Trim().Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
        if (steps.Length == 0 || steps.Any(static step => step.Length == 0))
        {
            throw new InputException($"{setting}: a setting has the form key=value, such as batch_size=32 or evaluation.every_steps=100");
        }

        return new ConfigOverride(setting, steps, Value(text[(equals + 1)..]));
    }

    /// <summary>Puts the value into a config.</summary>
    /// <exception cref="InputException">The path leads through a value that has no keys, or to an element that an array does not have.</exception>
    public void Apply(ConfigTree tree)
    {
        if (_steps.Length == 1)
        {
            tree.Root.Remove(_steps[0]);
            RecipeDefaults.Overlay(tree.Root, new JsonObject { [_steps[0]] = _value?.DeepClone() });
            tree.SetBy(_steps[0], _setting);
            return;
        }

        JsonNode container = tree.Root;
        string path = "";
        for (int i = 0; i < _steps.Length; i++)
        {
            bool last = i == _steps.Length - 1;
            container = container switch
            {
                JsonObject keys => IntoObject(keys, _steps[i], ref path, last),
                JsonArray elements => IntoArray(elements, _steps[i], ref path, last),
                _ => throw new InputException($"{_setting}: {path} is {container.ToJsonString()}, which has no keys to set"),
            };
        }

        tree.SetBy(path, _setting);
    }

    private JsonNode IntoObject(JsonObject keys, string step, ref string path, bool last)
    {
        path = ConfigTree.Key(path, step);
        if (last)
        {
            keys[step] = _value?.DeepClone();
            return keys;
        }

        if (keys[step] is not JsonNode inner)
        {
            inner = new JsonObject();
            keys[step] = inner;
        }

        return inner;
    }

    private JsonNode IntoArray(JsonArray elements, string step, ref string path, bool last)
    {
        if (!int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index > elements.Count)
        {
            throw new InputException(
                $"{_setting}: {path} has {elements.Count} elements, so the next part has to be a number from 0 to {elements.Count}, the last of which adds one");
        }

        path = ConfigTree.Element(path, index);
        if (index == elements.Count)
        {
            elements.Add((JsonNode)new JsonObject());
        }

        if (last)
        {
            elements[index] = _value?.DeepClone();
            return elements;
        }

        return elements[index] ?? throw new InputException($"{_setting}: {path} is null, which has no keys to set");
    }

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
