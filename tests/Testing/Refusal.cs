using NUnit.Framework;
using NUnit.Framework.Constraints;

namespace MnrEngine.Testing;

/// <summary>What a test expects of bad input.</summary>
public static class Refusal
{
    /// <summary>An <see cref="InputException"/> whose message is one line that holds all of these.</summary>
    public static IResolveConstraint Saying(params string[] parts)
    {
        Constraint message = new NotConstraint(new ContainsConstraint("\n"));
        foreach (string part in parts)
        {
            message = new AndConstraint(message, new ContainsConstraint(part));
        }

        return new ThrowsConstraint(new AndConstraint(new ExactTypeConstraint(typeof(InputException)), new PropertyConstraint(nameof(Exception.Message), message)));
    }
}
