package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is wrong with what a command is given: one line, exit code 1 or 2, nothing written. */
@Tag("cli")
class BadInputContractTest {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;

  private static final String STEER =
      "steer --sae sae --plan plan.json --in x.safetensors --out y.safetensors";
  private static final String EXPLAIN =
      "explain --sae sae --vocabulary v.safetensors --words v.words.txt --out e.jsonl";
  private static final String CONTEXTS = "contexts --sae sae --in harvest --out c.jsonl";
  private static final String VOCABULARY =
      "vocabulary --from contexts --in harvest --min-count 1 --out w.safetensors";

  @TempDir Path folder;

  /**
   * @param what is wrong
   * @param line the command that meets it
   * @param damage done to the good sample before
   * @param code expected exit code
   * @param parts what the error line names
   */
  private record Case(
      String what, String line, Consumer<Path> damage, int code, List<String> parts) {}

  private static final List<Case> CASES = new ArrayList<>();

  private static void bad(
      String what, String line, Consumer<Path> damage, int code, String... parts) {
    CASES.add(new Case(what, line, damage, code, List.of(parts)));
  }

  private static void bad(String what, String line, int code, String... parts) {
    bad(what, line, folder -> {}, code, parts);
  }

  static {
    devices();
    saes();
    rows();
    plans();
    vocabularies();
    outputs();
  }

  private static void devices() {
    bad("no thread", STEER + " --threads 0", WRONG_USAGE, "--threads", "'0'");
    bad("negative threads", STEER + " --threads -3", WRONG_USAGE, "--threads", "'-3'");
    bad("threads in words", STEER + " --threads two", WRONG_USAGE, "--threads", "'two'");
    bad("an unknown device", STEER + " --device tpu", WRONG_USAGE, "tpu", "auto, cpu, cuda");
    bad("a device that is not usable", STEER + " --device cuda", FAILED, "cuda:0", "not usable");
    bad("an ordinal that is not usable", STEER + " --device cuda:7", FAILED, "cuda:7");
    bad("a demo on it", "demo --out tour --device cuda", FAILED, "cuda:0", "not usable");
    bad("an option twice", STEER + " --out z", WRONG_USAGE, "--out");
    bad("an option without its value", "steer --sae", WRONG_USAGE, "--sae");
    bad("missing options", "steer", WRONG_USAGE, "--sae", "--plan", "--in", "--out");
    bad("an argument too many", STEER + " more", WRONG_USAGE, "more");
  }

  private static void saes() {
    Consumer<Path> brokenConfig = Damage.edit("sae/cfg.json", "\\{", "[");
    bad("no such SAE", STEER.replace("--sae sae", "--sae none"), FAILED, "none", "no such");
    bad("a cfg.json that is not JSON", STEER, brokenConfig, FAILED, "cfg.json");
    bad("k > F", CONTEXTS, setK("17"), FAILED, "cfg.json", "k", "17");
    bad("k = 0", CONTEXTS, setK("0"), FAILED, "cfg.json", "k", "0");
    bad("k in words", CONTEXTS, setK("\"four\""), FAILED, "cfg.json", "k");
    bad(
        "NaN weights",
        EXPLAIN,
        Damage.nan("sae/sae_weights.safetensors", "W_dec"),
        FAILED,
        "W_dec",
        "finite");
    bad("weights cut short", EXPLAIN, Damage.cut("sae/sae_weights.safetensors"), FAILED);
    bad("a folder of nothing", "steer --sae harvest --plan plan.json --in x --out y", FAILED);
  }

  private static void rows() {
    String wide = STEER.replace("--in x", "--in wide");
    bad("wrong d", wide, FAILED, "wide.safetensors", "9", "8");
    bad("no such file", STEER.replace("--in x", "--in none"), FAILED, "none.safetensors");
    bad("a folder for a file", STEER.replace("--in x.safetensors", "--in sae"), FAILED, "sae");
    bad("a link to nowhere", STEER, Damage.link("x.safetensors"), FAILED, "x.safe");
    bad("an empty file", STEER, Damage.write("x.safetensors", ""), FAILED, "x.safe");
    bad("a file cut short", STEER, Damage.cut("x.safetensors"), FAILED, "x.safe");
    bad("no such tensor", STEER.replace("x.safetensors", "x.safetensors:h"), FAILED, "'h'");
    bad("no harvest", CONTEXTS.replace("--in harvest", "--in sae"), FAILED, "harvest.json");
    bad("contexts of no rank", CONTEXTS + " --top 0", WRONG_USAGE, "--top", "1", "0");
  }

  private static void plans() {
    plan("not JSON", "{", FAILED, "plan.json");
    plan("an unknown key", "{'rules': [], 'volume': 11}", FAILED, "volume");
    plan("an unknown op", rule("'op':'shout','features':[3]"), FAILED, "rules[0].op", "shout");
    plan("an unknown key in a rule", rule(amplify("[3]") + ",'loud':1"), FAILED, "rules[0].loud");
    plan("a feature out of range", rule(amplify("[3,16]")), FAILED, "rules[0].features", "16");
    plan("a negative feature", rule(amplify("[-1]")), FAILED, "rules[0].features");
    plan("a repeated feature", rule(amplify("[3,5,3]")), FAILED, "rules[0].features", "3");
    plan("no feature", rule(amplify("[]")), FAILED, "rules[0].features");
    plan("a number too large", rule("'op':'clamp','features':[3],'value':1e999"), FAILED, "value");
    plan(
        "a gate, which a plain X cannot decide",
        "{'gate': {'features': [1], 'weights': [1], 'bias': 0, 'threshold': 0, 'pool': 'max',"
            + " 'rows': 'prompt'}, 'rules': [{"
            + amplify("[3]")
            + "}]}",
        FAILED,
        "gate");
    plan(
        "a vector's file that is not there",
        rule("'op':'vector','file':'none.safetensors','tensor':'e','row':0,'strength':2"),
        FAILED,
        "none.safetensors");
    plan(
        "a vector's row out of range",
        rule("'op':'vector','file':'v.safetensors','tensor':'e','row':3,'strength':2"),
        FAILED,
        "v.safetensors",
        "3");
  }

  /** A steer with another plan, written with single quotes. */
  private static void plan(String what, String json, int code, String... parts) {
    bad(
        "a plan with " + what,
        STEER,
        Damage.write("plan.json", json.replace("'", "\"")),
        code,
        parts);
  }

  private static String rule(String members) {
    return "{'rules': [{" + members + "}]}";
  }

  private static String amplify(String features) {
    return "'op':'amplify','alpha':1,'features':" + features;
  }

  private static Consumer<Path> setK(String value) {
    return Damage.edit("sae/cfg.json", "\"k\" ?: ?4", "\"k\": " + value);
  }

  private static void vocabularies() {
    Consumer<Path> fewWords = Damage.write("v.words.txt", "red\ncar\n");
    Consumer<Path> notUtf8 = Damage.latin1("v.words.txt", "red\ncaf\u00e9\nbus\n");
    bad("fewer words than rows", EXPLAIN, fewWords, FAILED, "v.words.txt", "2", "3");
    bad("words that are not UTF-8", EXPLAIN, notUtf8, FAILED, "v.words.txt, line 2", "UTF-8");
    bad("no words", EXPLAIN, Damage.write("v.words.txt", ""), FAILED, "v.words.txt");
    Consumer<Path> otherWidth = folder -> Sample.tensor(folder.resolve("v.safetensors"), "e", 3, 9);
    bad("words of another d", EXPLAIN, otherWidth, FAILED, "vocabulary", "9", "8");
    bad("no such objective", EXPLAIN + " --objective mean", WRONG_USAGE, "--objective");
    bad("no best word", EXPLAIN + " --top 0", WRONG_USAGE, "1 word", "0");
    bad("temperature 0", EXPLAIN + " --alpha 0", WRONG_USAGE, "alpha", "0");
    bad("temperature NaN", EXPLAIN + " --beta NaN", WRONG_USAGE, "beta", "NaN");
    bad("no count", VOCABULARY.replace("count 1", "count 0"), WRONG_USAGE, "--min-count", "0");
    bad("no source", VOCABULARY.replace("contexts", "dreams"), WRONG_USAGE, "--from");
    bad("no word often enough", VOCABULARY.replace("count 1", "count 9999"), FAILED, "9999");
    bad("no explanations", "find --explanations none.jsonl car", FAILED, "none.jsonl");
    bad("no word to find", "find --explanations v.words.txt", WRONG_USAGE, "WORD");
    bad("explanations that are not JSON", "find --explanations v.words.txt car", FAILED, "line 1");
  }

  private static void outputs() {
    bad("an output in no folder", STEER.replace("--out y", "--out no/y"), FAILED, "no");
    bad("an output that is a folder", STEER.replace("--out y.safetensors", "--out sae"), FAILED);
    bad("an explanation into no folder", EXPLAIN.replace("e.jsonl", "no/e.jsonl"), FAILED, "no");
  }

  @TestFactory
  Stream<DynamicTest> shouldEndInOneLineAndWriteNothing() {
    return CASES.stream()
        .map(bad -> DynamicTest.dynamicTest(bad.what() + ": " + bad.line(), () -> check(bad)));
  }

  private void check(Case bad) throws Exception {
    Path place = Files.createTempDirectory(folder, "case");
    Sample.write(place);
    bad.damage().accept(place);
    Map<String, Long> before = Sample.files(place);
    String line = CoxProcess.run(place, (Object[]) bad.line().split(" ")).oneErrorLine(bad.code());
    bad.parts().forEach(part -> assertTrue(line.contains(part), () -> line + " lacks " + part));
    assertTrue(!line.contains("a bug"), line);
    assertEquals(before, Sample.files(place));
  }
}
