package dev.coxswain.error;

/**
 * The root of every error Coxswain reports. Its message is one line that says what is wrong, where
 * (file, tensor, field, row) and what would be right.
 */
public class CoxswainException extends RuntimeException {
  public CoxswainException(String message) {
    super(message);
  }

  public CoxswainException(String message, Throwable cause) {
    super(message, cause);
  }
}
