namespace MnrEngine.Data;

/// <summary>How a data file is written. Any of them may be compressed with gzip.</summary>
public enum DataFormat
{
    /// <summary>One row a line, columns divided by tabs, nothing quoted: a quotation mark is text like any other. SNLI and MultiNLI are distributed so.</summary>
    Tsv,

    /// <summary>RFC 4180: columns divided by commas; a column in quotation marks may contain commas and line breaks, and a quotation mark doubled.</summary>
    Csv,

    /// <summary>One flat JSON object a line, as SNLI and MultiNLI (gold_label, sentence1, sentence2) and the Hugging Face hub write.</summary>
    JsonLines,
}
