package dev.coxswain;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.util.Arrays;
import java.util.stream.Stream;

/** The package table of docs/design.md. */
@AnalyzeClasses(packages = "dev.coxswain", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule onlyTheHostMemoryClassTouchesUnsafe =
      ArchRuleDefinition.noClasses()
          .that()
          .doNotHaveFullyQualifiedName("dev.coxswain.tensor.HostMemory")
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("sun.misc.Unsafe");

  @ArchTest
  static final ArchRule onlyTheCpuBackendImportsLwjgl = onlyIn("..backend.cpu..", "org.lwjgl..");

  @ArchTest
  static final ArchRule onlyTheCudaBackendImportsJcuda = onlyIn("..backend.cuda..", "jcuda..");

  @ArchTest
  static final ArchRule onlyTheBlasPackageImportsJcublasAndTheRuntimeApi =
      onlyIn("..backend.cuda.blas..", "jcuda.jcublas..", "jcuda.runtime..");

  @ArchTest static final ArchRule onlyTheCommandLineImportsPicocli = onlyIn("..cli..", "picocli..");

  @ArchTest
  static final ArchRule onlyTheBackendHasNativeMethods =
      ArchRuleDefinition.methods()
          .that()
          .haveModifier(com.tngtech.archunit.core.domain.JavaModifier.NATIVE)
          .should()
          .beDeclaredInClassesThat()
          .resideInAPackage("dev.coxswain.backend.cpu")
          .allowEmptyShould(true);

  private static final String[] ABOVE_SAE = {
    "cli", "gpucheck", "demo", "report", "host", "model", "root", "train", "explain", "steer"
  };

  @ArchTest
  static final ArchRule packagesUseOnlyRowsBelow =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .withOptionalLayers(true)
          .layer("cli")
          .definedBy("dev.coxswain.cli..")
          .layer("gpucheck")
          .definedBy("dev.coxswain.gpucheck..")
          .layer("demo")
          .definedBy("dev.coxswain.demo..")
          .layer("report")
          .definedBy("dev.coxswain.report..")
          .layer("host")
          .definedBy("dev.coxswain.host..")
          .layer("model")
          .definedBy("dev.coxswain.model..")
          .layer("root")
          .definedBy("dev.coxswain")
          .layer("train")
          .definedBy("dev.coxswain.train..")
          .layer("explain")
          .definedBy("dev.coxswain.explain..")
          .layer("steer")
          .definedBy("dev.coxswain.steer..")
          .layer("sae")
          .definedBy("dev.coxswain.sae..")
          .layer("cpu")
          .definedBy("dev.coxswain.backend.cpu..")
          .layer("cuda")
          .definedBy("dev.coxswain.backend.cuda")
          .layer("blas")
          .definedBy("dev.coxswain.backend.cuda.blas..")
          .layer("backend")
          .definedBy("dev.coxswain.backend")
          .layer("io")
          .definedBy("dev.coxswain.io..")
          .layer("tensor")
          .definedBy("dev.coxswain.tensor..")
          .layer("error")
          .definedBy("dev.coxswain.error..")
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("gpucheck")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("demo")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("report")
          .mayOnlyBeAccessedByLayers("cli", "demo")
          .whereLayer("host")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("model")
          .mayOnlyBeAccessedByLayers("cli", "demo")
          .whereLayer("root")
          .mayOnlyBeAccessedByLayers("cli", "gpucheck", "demo", "report", "host", "model")
          .whereLayer("train")
          .mayOnlyBeAccessedByLayers("cli", "demo", "report", "root")
          .whereLayer("explain")
          .mayOnlyBeAccessedByLayers("cli", "demo", "report", "root")
          .whereLayer("steer")
          .mayOnlyBeAccessedByLayers("cli", "demo", "host", "model", "root")
          .whereLayer("cpu")
          .mayOnlyBeAccessedByLayers("root")
          .whereLayer("cuda")
          .mayOnlyBeAccessedByLayers("root")
          .whereLayer("blas")
          .mayOnlyBeAccessedByLayers("cuda")
          .whereLayer("sae")
          .mayOnlyBeAccessedByLayers(ABOVE_SAE)
          .whereLayer("backend")
          .mayOnlyBeAccessedByLayers(and(ABOVE_SAE, "sae", "cpu", "cuda", "blas"))
          .whereLayer("io")
          .mayOnlyBeAccessedByLayers(and(ABOVE_SAE, "sae", "cpu", "cuda", "blas", "backend"))
          .whereLayer("tensor")
          .mayOnlyBeAccessedByLayers(and(ABOVE_SAE, "sae", "cpu", "cuda", "blas", "backend", "io"));

  private static String[] and(String[] rows, String... more) {
    return Stream.concat(Arrays.stream(rows), Arrays.stream(more)).toArray(String[]::new);
  }

  private static ArchRule onlyIn(String home, String... library) {
    return ArchRuleDefinition.noClasses()
        .that()
        .resideOutsideOfPackage(home)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(library)
        .allowEmptyShould(true);
  }
}
