package dev.coxswain.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.backend.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A language model in a process of its own: {@code cox-llama}, which runs a GGUF file through
 * llama.cpp and hands its hidden states to the engine. The model is loaded once and asked many
 * times; SAEs stay loaded too.
 *
 * <p>One thread at a time. What the process fails with is thrown as the exception of its kind, with
 * the process's own line; a process that dies says so the same way.
 */
public final class LlamaProcess implements AutoCloseable {
  private final Path file;
  private final LineProcess process;
  private final ModelInfo info;

  private LlamaProcess(Path file, LineProcess process, ModelInfo info) {
    this.file = file;
    this.process = process;
    this.info = info;
  }

  /**
   * Loads a model.
   *
   * @param device of the engine inside the process; llama.cpp computes on the CPU
   * @param threads of llama.cpp and of the engine
   */
  public static LlamaProcess start(Path model, Device device, int threads) {
    LineProcess process = LineProcess.start();
    try {
      ObjectNode request =
          object()
              .put("model", absolute(model))
              .put("device", device.toString())
              .put("threads", threads);
      return new LlamaProcess(model, process, ModelInfo.of(process.call("load", request)));
    } catch (RuntimeException e) {
      process.close();
      throw e;
    }
  }

  /**
   * Writes a model in another type of weights.
   *
   * @param type q8_0, f16 or f32
   */
  public static void quantize(Path from, Path to, String type, int threads) {
    try (LineProcess process = LineProcess.start()) {
      process.call(
          "quantize",
          object()
              .put("from", absolute(from))
              .put("to", absolute(to))
              .put("type", type)
              .put("threads", threads));
    }
  }

  public ModelInfo info() {
    return info;
  }

  /** The model's file. */
  public Path file() {
    return file;
  }

  /** Harvests hidden states; the folder holds a harvest only once this has returned. */
  public HarvestRequest.Result harvest(
      HarvestRequest request, Consumer<HarvestRequest.Progress> progress) {
    ObjectNode body =
        object()
            .put("layer", request.layer())
            .put("out", absolute(request.out()))
            .put("name", String.valueOf(file.getFileName()))
            .put("sha256", ModelFile.sha256(file))
            .put("context", Math.min(request.context(), info.context()));
    request.maxTokens().ifPresent(most -> body.put("maxTokens", most));
    request.texts().forEach(text -> body.withArray("texts").add(absolute(text)));
    JsonNode result =
        process.call(
            "harvest",
            body,
            event ->
                progress.accept(
                    new HarvestRequest.Progress(
                        event.get("rows").asLong(),
                        event.get("documents").asLong(),
                        event.get("share").asDouble(),
                        event.get("tokensPerSecond").asDouble())));
    return new HarvestRequest.Result(
        result.get("rows").asLong(),
        result.get("documents").asLong(),
        result.get("seconds").asDouble(),
        result.get("tokensPerSecond").asDouble());
  }

  /** Writes word embeddings and their words beside them. */
  public VocabularyRequest.Result vocabulary(VocabularyRequest request) {
    ObjectNode body =
        object()
            .put("from", request.source().name().toLowerCase(java.util.Locale.ROOT))
            .put("layer", request.layer())
            .put("out", absolute(request.out()));
    ArrayNode words = body.putArray("words");
    request.words().forEach(words::add);
    JsonNode result = process.call("vocabulary", body);
    return new VocabularyRequest.Result(
        result.get("words").asLong(), result.get("dropped").asLong());
  }

  /** Continues prompts. Returns [prompt][run]. */
  public List<List<Continuation>> generate(
      GenerateRequest request, GenerateRequest.Listener listener) {
    JsonNode result =
        process.call(
            "generate",
            generateBody(request),
            event ->
                listener.piece(
                    event.get("prompt").asInt(),
                    event.get("run").asInt(),
                    event.get("text").asText()));
    List<List<Continuation>> continuations = new ArrayList<>();
    for (JsonNode runs : result.get("continuations")) {
      List<Continuation> ofPrompt = new ArrayList<>();
      runs.forEach(run -> ofPrompt.add(Continuation.of(run)));
      continuations.add(List.copyOf(ofPrompt));
    }
    return List.copyOf(continuations);
  }

  private static ObjectNode generateBody(GenerateRequest request) {
    GenerateRequest.Sampling sampling = request.sampling();
    ObjectNode body =
        object()
            .put("layer", request.layer())
            .put("maxTokens", request.maxTokens())
            .put("seed", sampling.seed())
            .put("temperature", sampling.temperature())
            .put("topK", sampling.topK())
            .put("topP", sampling.topP())
            .put("repeatPenalty", sampling.repeatPenalty());
    request.prompts().forEach(prompt -> body.withArray("prompts").add(prompt));
    ArrayNode runs = body.putArray("runs");
    for (Optional<Steering> run : request.runs()) {
      run.ifPresentOrElse(steering -> runs.add(steering.toJson()), runs::addNull);
    }
    request.raw().ifPresent(raw -> body.put("raw", raw));
    request.system().ifPresent(system -> body.put("system", system));
    request
        .activations()
        .ifPresent(
            wanted -> {
              ObjectNode activations = body.putObject("activations");
              activations.put("sae", absolute(wanted.sae()));
              activations.put("before", wanted.moment() == GenerateRequest.Moment.BEFORE_PLAN);
              ArrayNode features = activations.putArray("features");
              wanted.features().forEach(features::add);
            });
    return body;
  }

  /**
   * Measures plans against the plain model.
   *
   * @param progress hears the share of passages done, 0 to 1
   */
  public Measurement measure(MeasureRequest request, Consumer<Double> progress) {
    ObjectNode body =
        object()
            .put("layer", request.layer())
            .put("context", Math.min(request.context(), info.context()));
    ArrayNode items = body.putArray("items");
    request.passages().forEach(passage -> items.add(toJson(passage)));
    ArrayNode runs = body.putArray("runs");
    request.plans().forEach(plan -> runs.add(plan.toJson()));
    ArrayNode words = body.putArray("words");
    request.words().forEach(words::add);
    return Measurement.of(
        process.call(
            "measure",
            body,
            event -> progress.accept(event.get("done").asDouble() / event.get("of").asDouble())));
  }

  private static ObjectNode toJson(MeasureRequest.Passage passage) {
    if (passage instanceof MeasureRequest.Reply reply) {
      return object().put("prompt", reply.prompt()).put("reply", reply.reply());
    }
    return object().put("text", ((MeasureRequest.Text) passage).text());
  }

  /** Any other operation of the process, for tests. */
  JsonNode call(String operation, ObjectNode request) {
    return process.call(operation, request);
  }

  /** Ends the process as a crash would, for tests. */
  void kill() {
    process.kill();
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static String absolute(Path path) {
    return path.toAbsolutePath().toString();
  }

  /** Ends the process; idempotent. */
  @Override
  public void close() {
    process.close();
  }
}
