package dev.coxswain.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a browser makes of the page; skipped with a line where there is no Chromium. */
class ReportInBrowserTest {
  private static final String HOSTILE = "</script><img src=x onerror=\"document.title='hit'\">";

  private static final String WATCH =
      "<script>window.failures=[];addEventListener('error',e=>failures.push(e.message));"
          + "addEventListener('securitypolicyviolation',e=>failures.push(e.blockedURI));</script>";

  private static final String PROBE =
      "<script>document.body.dataset.failures=failures.join('|')||'none';"
          + "document.body.dataset.overflow="
          + "document.documentElement.scrollWidth-document.documentElement.clientWidth;"
          + "const q=document.getElementById('query');q.value='church';"
          + "q.dispatchEvent(new Event('input'));"
          + "document.body.dataset.found=document.querySelectorAll('#features-body .feature').length;"
          + "document.body.dataset.images=document.images.length;</script>";

  @TempDir Path folder;

  @Test
  void shouldDrawEveryPartWithoutErrorsOrSidewaysScrolling() throws Exception {
    Optional<Path> chromium = chromium();
    if (chromium.isEmpty()) {
      System.out.println("skipped: the report in a browser, because chromium is not installed");
    }
    assumeTrue(chromium.isPresent());
    SyntheticRun run = new SyntheticRun(folder, 40, 1);
    Report.write(run.write(f -> f == 7 ? "church" : "school", HOSTILE), folder.resolve("r.html"));
    String page = Files.readString(folder.resolve("r.html"));
    Files.writeString(
        folder.resolve("probe.html"),
        page.replace("<body>", "<body>" + WATCH).replace("</body>", PROBE + "</body>"));
    for (int width : new int[] {400, 1280}) {
      requireDrawn(dom(chromium.get(), width), width);
    }
  }

  private void requireDrawn(String dom, int width) {
    assertEquals("none", probe(dom, "failures"), () -> "errors at " + width + " px");
    assertEquals("0", probe(dom, "overflow"), () -> "sideways scrolling at " + width + " px");
    assertEquals("0", probe(dom, "images"));
    assertTrue(Integer.parseInt(probe(dom, "found")) >= 1, "the search finds a feature's word");
    assertEquals("1.412", figure(dom, "effect_nats").replace("+", ""));
    assertEquals("200,312", figure(dom, "tokens"));
    assertEquals("5.610", figure(dom, "lift_median"));
    assertTrue(dom.contains("<polyline"), "the curves are drawn");
  }

  private static String probe(String dom, String name) {
    return first(dom, "data-" + name + "=\"([^\"]*)\"");
  }

  private static String figure(String dom, String key) {
    return first(dom, "data-key=\"" + key + "\">.*?<td class=\"number\">([^<]*)</td>");
  }

  private static String first(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern, Pattern.DOTALL).matcher(text);
    assertTrue(matcher.find(), () -> "nothing matches " + pattern);
    return matcher.group(1);
  }

  private String dom(Path chromium, int width) throws IOException, InterruptedException {
    Path dom = folder.resolve("dom.html");
    Process process =
        new ProcessBuilder(
                chromium.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--user-data-dir=" + folder.resolve("profile"),
                "--window-size=" + width + ",2000",
                "--virtual-time-budget=2000",
                "--dump-dom",
                folder.resolve("probe.html").toUri().toString())
            .redirectOutput(dom.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    boolean ended = process.waitFor(90, TimeUnit.SECONDS);
    process.destroyForcibly();
    assertTrue(ended, "chromium did not end");
    return Files.readString(dom);
  }

  private static Optional<Path> chromium() {
    return Stream.of(System.getenv("PATH").split(":"))
        .flatMap(
            dir ->
                List.of("chromium", "chromium-browser", "google-chrome").stream()
                    .map(Path.of(dir)::resolve))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
