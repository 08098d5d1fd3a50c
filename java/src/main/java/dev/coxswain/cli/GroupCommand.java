package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** A command that only groups others, as {@code cox model} groups {@code get} and {@code list}. */
abstract class GroupCommand extends BaseCommand {
  @Spec private CommandSpec spec;

  @Override
  protected final void run() {
    String name = spec.qualifiedName();
    throw new UsageException(
        name + " needs one of: " + String.join(", ", spec.subcommands().keySet()));
  }
}
