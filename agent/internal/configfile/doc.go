// Package configfile edits the configuration files of games as their eggs
// want them. In come the bytes of a file, the name of a parser and settings;
// out come the bytes with the settings in place. Everything else in the file,
// comments and layout too, stays as it was wherever the format lets it: all
// parsers edit the text, and none writes a file anew from what it understood
// of it, but for YAML where something is added at a place that is not a plain
// block.
//
// What holds for all parsers: applying the same settings twice is applying
// them once; a file that cannot be read is an Error with its line, and no
// bytes; a setting that does not fit what is there, such as a name in a list,
// is left out, as Wings does.
//
// It is pure. It knows neither volumes nor Docker. Files are written by
// people and by programs in containers, who may mean harm: sizes and depths
// are bounded.
package configfile
