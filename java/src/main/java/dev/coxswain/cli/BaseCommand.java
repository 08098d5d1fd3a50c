package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import picocli.CommandLine.Option;

/**
 * What every command has. A command is a class with picocli's {@code @Command(name, description)},
 * registered by one line in {@link Main#COMMANDS}. It writes results to {@link #out}, messages and
 * progress to standard error, and fails by throwing: {@link UsageException} ends with exit code 2,
 * anything else with 1.
 */
abstract class BaseCommand {
  /** Where results go. */
  protected final Output out = Output.standard();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  @Option(names = "--verbose", description = "Say more; show the stack trace of an error.")
  private boolean verbose;

  /** Does the work; returns when it is done. */
  protected abstract void run() throws Exception;

  protected final boolean verbose() {
    return verbose;
  }

  /** A line for the user that is not a result. */
  protected static void message(String line) {
    Progress.message(line);
  }

  /**
   * @throws UsageException where {@code value} is less than {@code least}
   */
  protected static void requireAtLeast(String option, long value, long least) {
    if (value < least) {
      throw new UsageException(option + " must be at least " + least + ", was " + value);
    }
  }
}
