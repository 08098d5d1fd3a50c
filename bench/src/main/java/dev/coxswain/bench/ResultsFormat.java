package dev.coxswain.bench;

import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** JMH's silent output, but that each case's result is handed on as soon as it is there. */
final class ResultsFormat {
  private ResultsFormat() {}

  static OutputFormat of(Consumer<BenchmarkResult> results) {
    OutputFormat silent =
        OutputFormatFactory.createFormatInstance(new PrintStream(System.err), VerboseMode.SILENT);
    return (OutputFormat)
        Proxy.newProxyInstance(
            ResultsFormat.class.getClassLoader(),
            new Class<?>[] {OutputFormat.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("endBenchmark")) {
                results.accept((BenchmarkResult) arguments[0]);
              }
              try {
                return method.invoke(silent, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
