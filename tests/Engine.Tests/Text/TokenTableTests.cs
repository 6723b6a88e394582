using MnrEngine.Text;
using NUnit.Framework;

namespace MnrEngine.Engine.Tests.Text;

/// <summary>A table of tokens gives every text's ids at any time, however far its threads are.</summary>
public sealed class TokenTableTests
{
    private const int Texts = 5_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Test]
    public void EveryTextHasItsIdsInTheEnd([Values(0, 1, 2, 7)] int threads, [Values(0, 1, 1023, 1024, 1025, Texts)] int texts)
    {
        using TokenTable table = new(texts, Tokenize, threads);
        table.Complete();
        Assert.That(table.IsComplete);
        AssertTexts(table, Enumerable.Range(0, texts));
        Assert.That(Enumerable.Range(0, texts).Where(table.IsTruncated), Is.EqualTo(Enumerable.Range(0, texts).Where(IsCut)));
    }

    [Test]
    public void TextsThatTheThreadsHaveNotComeToAreThereAllTheSame()
    {
        int reader = Environment.CurrentManagedThreadId;
        using ManualResetEventSlim go = new();
        using TokenTable table = new(
            Texts,
            (text, tokenIds) =>
            {
                if (text >= 2_000 && Environment.CurrentManagedThreadId != reader)
                {
                    Assert.That(go.Wait(Patience));
                }

                return Tokenize(text, tokenIds);
            },
            threads: 2);
        AssertTexts(table, Enumerable.Range(0, Texts));
        Assert.That(table.IsComplete, Is.False);

        go.Set();
        table.Complete();
        AssertTexts(table, Enumerable.Range(0, Texts));
    }

    [Test]
    public void AnErrorInTheBackgroundIsToldToWhoeverReadsNext()
    {
        int reader = Environment.CurrentManagedThreadId;
        using TokenTable table = new(
            Texts, (text, tokenIds) => text == 3_000 && Environment.CurrentManagedThreadId != reader ? throw new InputException("text 3000 is no text") : Tokenize(text, tokenIds), threads: 1);
        InputException error = null!;
        Assert.That(() => SpinWait.SpinUntil(() => IsRefused(table, out error), Patience));
        Assert.That(error.Message, Is.EqualTo("text 3000 is no text"));
        Assert.That(() => table.Read(4_999, []).Length, Throws.TypeOf<InputException>());
        Assert.That(table.Complete, Throws.TypeOf<InputException>());
    }

    [Test]
    public void NothingIsTokenisedAfterDisposal()
    {
        int tokenised = 0;
        using ManualResetEventSlim begun = new();
        TokenTable table = new(
            int.MaxValue / 2,
            (_, tokenIds) =>
            {
                Interlocked.Increment(ref tokenised);
                begun.Set();
                tokenIds.Add(1);
                return false;
            },
            threads: 3);
        Assert.That(begun.Wait(Patience));
        table.Dispose();
        int until = Volatile.Read(ref tokenised);
        Thread.Sleep(50);
        Assert.That(Volatile.Read(ref tokenised), Is.EqualTo(until).And.LessThan(int.MaxValue / 2));
        Assert.That(table.Complete, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void TheTokenizerIsForgottenWhenAllIsDone()
    {
        WeakReference held = Make(out TokenTable table);
        using (table)
        {
            Assert.That(
                () =>
                {
                    GC.Collect();
                    return held.IsAlive;
                },
                Is.False.After(delayInMilliseconds: 60_000, pollingInterval: 20));
            AssertTexts(table, [0, Texts - 1]);
        }

        // Apart, so that no local variable of the test holds on to it.
        static WeakReference Make(out TokenTable table)
        {
            object texts = new();
            table = new TokenTable(Texts, (text, tokenIds) => texts is not null && Tokenize(text, tokenIds), threads: 1);
            return new WeakReference(texts);
        }
    }

    private static bool IsRefused(TokenTable table, out InputException error)
    {
        error = null!;
        try
        {
            return table.IsComplete;
        }
        catch (InputException refused)
        {
            error = refused;
            return true;
        }
    }

    private static void AssertTexts(TokenTable table, IEnumerable<int> texts)
    {
        List<int> room = [];
        foreach (int text in texts)
        {
            List<int> expected = [];
            Tokenize(text, expected);
            Assert.That(table.Read(text, room).SequenceEqual(expected.ToArray()), $"text {text}");
        }
    }

    private static bool Tokenize(int text, List<int> tokenIds)
    {
        tokenIds.AddRange(Enumerable.Range(text, 1 + (text % 7)));
        return IsCut(text);
    }

    private static bool IsCut(int text) => text % 11 == 5;
}
