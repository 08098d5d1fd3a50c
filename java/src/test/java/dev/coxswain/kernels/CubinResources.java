package dev.coxswain.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What ptxas gave a kernel on one architecture, from its report beside the cubin
 * (kernels/compile.sh).
 *
 * @param registers of a thread
 * @param spillBytes stores and loads of spilled registers
 * @param sharedBytes static shared memory of a block
 */
record CubinResources(int registers, int spillBytes, int sharedBytes) {
  private static final Path REPORTS =
      Path.of(System.getProperty("cox.root", ".."), "build", "release", "kernels");

  private static final int REGISTERS_OF_SM = 65536;
  private static final int SHARED_OF_SM_90 = 233472;
  private static final int SHARED_OF_SYSTEM = 1024;
  private static final int WARPS_OF_SM = 64;

  /**
   * @param sm as in {@code 90}
   */
  static CubinResources of(String module, String kernel, int sm) throws IOException {
    Path report = REPORTS.resolve(module + ".sm_" + sm + ".cubin.txt");
    if (!Files.exists(report)) {
      throw new IOException(report + " is missing: native/build.sh release cubins makes it");
    }
    String text = Files.readString(report);
    int begin = text.indexOf("'" + kernel + "'");
    if (begin < 0) {
      throw new IOException(report + " knows no " + kernel);
    }
    return in(text, begin);
  }

  /** Of a kernel in whatever module it stands. */
  static CubinResources of(String kernel, int sm) throws IOException {
    for (Path report : reports("sm_" + sm + ".cubin.txt")) {
      String text = Files.readString(report);
      int begin = text.indexOf("'" + kernel + "'");
      if (begin >= 0) {
        return in(text, begin);
      }
    }
    throw new IOException("no report in " + REPORTS + " knows " + kernel);
  }

  private static List<Path> reports(String ending) throws IOException {
    try (Stream<Path> files = Files.list(REPORTS)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  /** Of the kernel whose name stands there. */
  private static CubinResources in(String text, int begin) {
    int end = text.indexOf("Compiling entry function", begin);
    String own = text.substring(begin, end < 0 ? text.length() : end);
    return new CubinResources(
        number(own, "Used (\\d+) registers"),
        number(own, "(\\d+) bytes spill stores") + number(own, "(\\d+) bytes spill loads"),
        number(own, "(\\d+) bytes smem"));
  }

  /** A report and kernel a line, where registers are spilled. */
  static List<String> spilling() throws IOException {
    List<Path> reports = reports(".cubin.txt");
    if (reports.isEmpty()) {
      throw new IOException(
          "no report in " + REPORTS + ": native/build.sh release cubins makes them");
    }
    List<String> spilling = new ArrayList<>();
    for (Path report : reports) {
      String text = Files.readString(report);
      Matcher kernel = Pattern.compile("Compiling entry function '(\\w+)'").matcher(text);
      while (kernel.find()) {
        if (in(text, kernel.end()).spillBytes() > 0) {
          spilling.add(report.getFileName() + ": " + kernel.group(1));
        }
      }
    }
    return spilling;
  }

  private static int number(String text, String pattern) {
    Matcher found = Pattern.compile(pattern).matcher(text);
    return found.find() ? Integer.parseInt(found.group(1)) : 0;
  }

  /** Share of an H100's warps that are resident: by registers, shared memory and blocks. */
  double occupancy(int threads, int dynamicSharedBytes) {
    int warps = (threads + 31) / 32;
    int byRegisters = REGISTERS_OF_SM / (warps * 32 * ((registers + 7) / 8 * 8));
    int byShared = SHARED_OF_SM_90 / (sharedBytes + dynamicSharedBytes + SHARED_OF_SYSTEM);
    int blocks = Math.min(Math.min(byRegisters, byShared), Math.min(32, WARPS_OF_SM / warps));
    return (double) blocks * warps / WARPS_OF_SM;
  }
}
