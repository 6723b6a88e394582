namespace MnrEngine.Data;

/// <summary>How a data file is written. All but Parquet, which is compressed inside, may be compressed with gzip.</summary>
public enum DataFormat
{
    /// <summary>One row a line, columns divided by tabs, nothing quoted: a quotation mark is text like any other. SNLI and MultiNLI are distributed so.</summary>
    Tsv,

    /// <summary>RFC 4180: columns divided by commas; a column in quotation marks may contain commas and line breaks, and a quotation mark doubled.</summary>
    Csv,

    /// <summary>One flat JSON object a line, as SNLI and MultiNLI (gold_label, sentence1, sentence2) and the Hugging Face hub write.</summary>
    JsonLines,

    /// <summary>Apache Parquet, as the Hugging Face hub ships its data sets: flat columns of texts and numbers; others may be there but not be chosen.</summary>
    Parquet,
}
