/** The command line: one thin class a command, exit codes, progress. */
package dev.coxswain.cli;
