package dev.coxswain.demo;

import dev.coxswain.backend.Backend;
import dev.coxswain.io.Harvest;
import dev.coxswain.model.LlamaProcess;
import dev.coxswain.model.Steering;
import dev.coxswain.sae.SaeReader;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.steer.Plan;
import java.nio.file.Path;
import java.util.Optional;

/** What the steps work with: opened when first needed, so that kept steps cost nothing. */
final class Workshop implements AutoCloseable {
  /** Block 14 of 30: the middle, where words live. */
  static final int LAYER = 14;

  private final DemoOptions options;
  private final DemoFolder folder;
  private final Path modelFile;
  private final Path corpus;
  private final Backend backend;
  private Optional<LlamaProcess> model = Optional.empty();
  private Optional<SparseAutoencoder> sae = Optional.empty();
  private Optional<Harvest> harvest = Optional.empty();

  Workshop(DemoOptions options, DemoFolder folder, Path modelFile, Path corpus, Backend backend) {
    this.options = options;
    this.folder = folder;
    this.modelFile = modelFile;
    this.corpus = corpus;
    this.backend = backend;
  }

  DemoOptions options() {
    return options;
  }

  DemoSize size() {
    return options.size();
  }

  DemoFolder folder() {
    return folder;
  }

  Path modelFile() {
    return modelFile;
  }

  /** A document a line. */
  Path corpus() {
    return corpus;
  }

  LlamaProcess model() {
    if (model.isEmpty()) {
      model = Optional.of(LlamaProcess.start(modelFile, options.device(), options.threads()));
    }
    return model.get();
  }

  Backend backend() {
    return backend;
  }

  /** The trained one; not before it is there. */
  SparseAutoencoder sae() {
    if (sae.isEmpty()) {
      sae = Optional.of(SaeReader.read(folder.sae()));
    }
    return sae.get();
  }

  /** Not before it is there. */
  Harvest harvest() {
    if (harvest.isEmpty()) {
      harvest = Optional.of(Harvest.open(folder.harvest()));
    }
    return harvest.get();
  }

  /** The model run with a plan, whose relative file names start at the demo's folder. */
  Steering steering(Plan plan) {
    return new Steering(folder.sae(), plan.toJson(), folder.root());
  }

  @Override
  public void close() {
    model.ifPresent(LlamaProcess::close);
    harvest.ifPresent(Harvest::close);
    sae.ifPresent(SparseAutoencoder::close);
  }
}
