package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * {@code cox}: finds the command, runs it, and turns what happened into an exit code: 0 done, 1 the
 * work failed (file, data, device), 2 wrong usage. An error is one line on standard error; a stack
 * trace follows only with {@code --verbose}.
 */
public final class Main {
  /** One line a command, in alphabetical order. */
  static final List<Class<? extends BaseCommand>> COMMANDS =
      List.of(
          ContextsCommand.class,
          DecodeCommand.class,
          DemoCommand.class,
          DevicesCommand.class,
          EncodeCommand.class,
          EvaluateCommand.class,
          EvaluateExplanationsCommand.class,
          ExplainCommand.class,
          FindCommand.class,
          GenerateCommand.class,
          GpuCheckCommand.class,
          HarvestCommand.class,
          InspectCommand.class,
          ModelCommand.class,
          ReportCommand.class,
          SteerCommand.class,
          TrainCommand.class,
          TuneCommand.class,
          VocabularyCommand.class);

  private static final int HELP_WIDTH = 100;
  private static final int DONE = 0;
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;

  private Main() {}

  public static void main(String[] arguments) {
    boolean verbose = Arrays.asList(arguments).contains("--verbose");
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", verbose ? "info" : "warn");
    System.exit(run(arguments, verbose));
  }

  private static int run(String[] arguments, boolean verbose) {
    try {
      execute(arguments);
      Output.standard().flush();
      return DONE;
    } catch (Output.ReaderGone e) {
      return DONE;
    } catch (Throwable e) {
      Progress.message("cox: " + ErrorLine.of(e));
      if (verbose) {
        e.printStackTrace();
      }
      return e instanceof UsageException ? WRONG_USAGE : FAILED;
    }
  }

  private static void execute(String[] arguments) throws Exception {
    String name = arguments.length == 0 ? "--help" : arguments[0];
    String[] rest = Arrays.copyOfRange(arguments, Math.min(1, arguments.length), arguments.length);
    switch (name) {
      case "-h", "--help", "help" -> help(rest);
      case "--version" -> Output.standard().line("cox " + Version.current());
      default -> execute(command(name), rest);
    }
  }

  private static void help(String[] names) throws Exception {
    if (names.length == 0) {
      Output.standard().print(HelpText.overview(COMMANDS));
    } else {
      execute(command(names[0]), new String[] {"--help"});
    }
  }

  private static Class<? extends BaseCommand> command(String name) {
    return COMMANDS.stream()
        .filter(type -> type.getAnnotation(Command.class).name().equals(name))
        .findFirst()
        .orElseThrow(() -> new UsageException(unknown(name)));
  }

  private static String unknown(String name) {
    String kind = name.startsWith("-") ? "option" : "command";
    return "unknown " + kind + " '" + name + "' (the commands are listed by 'cox --help')";
  }

  private static void execute(Class<? extends BaseCommand> type, String[] arguments)
      throws Exception {
    CommandLine line = commandLine(type);
    ParseResult innermost = innermost(parse(line, arguments));
    if (innermost.isUsageHelpRequested()) {
      Output.standard().print(innermost.commandSpec().commandLine().getUsageMessage());
    } else {
      ((BaseCommand) innermost.commandSpec().userObject()).run();
    }
  }

  static CommandLine commandLine(Class<? extends BaseCommand> type) {
    CommandLine line = new CommandLine(type);
    line.setCommandName("cox " + line.getCommandName());
    line.setExpandAtFiles(false); // a prompt may begin with @
    line.setUsageHelpWidth(HELP_WIDTH);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
    return line;
  }

  private static ParseResult parse(CommandLine line, String[] arguments) {
    try {
      return line.parseArgs(arguments);
    } catch (ParameterException e) {
      String command = e.getCommandLine().getCommandSpec().qualifiedName();
      throw new UsageException(e.getMessage() + " (see '" + command + " --help')");
    }
  }

  private static ParseResult innermost(ParseResult result) {
    Optional<ParseResult> inner = Optional.ofNullable(result.subcommand());
    return inner.isPresent() ? innermost(inner.get()) : result;
  }
}
