// Package house has no code: its test is the law of the house. It reads the
// source files of all modules and fails when a room imports what the table
// does not allow, or when a library that has one owner is used elsewhere.
package house
