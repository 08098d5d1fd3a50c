package dev.coxswain.testing;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.nio.file.Path;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs a test class in a process of its own: exit code {@link #PASSED}, {@link #FAILED} at its
 * first failure, or another where there was nothing to run.
 */
public final class TestProcess {
  public static final int PASSED = 0;
  public static final int FAILED = 11;
  private static final int NOTHING_RAN = 12;

  private TestProcess() {}

  /**
   * The command that runs a class with this JVM's class path and system properties, resources of
   * {@code first} before all others.
   */
  public static ProcessBuilder of(Path first, Class<?> tests) {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classPath = first + ":" + System.getProperty("java.class.path");
    ProcessBuilder builder =
        new ProcessBuilder(
            java,
            "-Xshare:auto",
            "-Dcox.cuda=" + System.getProperty("cox.cuda", "false"),
            "-Dcox.root=" + System.getProperty("cox.root", "."),
            "-cp",
            classPath,
            TestProcess.class.getName(),
            tests.getName());
    // What it finds is meant to be found: it must not count as a finding of the whole run.
    builder.environment().remove("SOFTCUDA_FINDINGS");
    return builder;
  }

  public static void main(String[] arguments) throws ClassNotFoundException {
    Outcome outcome = new Outcome();
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(Class.forName(arguments[0])))
            .build();
    LauncherFactory.create().execute(request, outcome);
    System.exit(outcome.passed == 0 ? NOTHING_RAN : PASSED);
  }

  /** Ends the process at the first failure: one is enough to know. */
  private static final class Outcome implements TestExecutionListener {
    private int passed;

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (result.getStatus() == TestExecutionResult.Status.FAILED) {
        String why = result.getThrowable().map(Throwable::toString).orElse("no reason");
        System.out.println(
            "FAILED " + test.getDisplayName() + ": " + why.lines().findFirst().orElse(""));
        System.out.flush();
        Runtime.getRuntime().halt(FAILED);
      }
      passed += test.isTest() ? 1 : 0;
    }
  }
}
