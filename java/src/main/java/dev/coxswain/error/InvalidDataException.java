package dev.coxswain.error;

/** A file, tensor or value given to Coxswain is wrong: the work cannot be done on it. */
public final class InvalidDataException extends CoxswainException {
  public InvalidDataException(String message) {
    super(message);
  }

  public InvalidDataException(String message, Throwable cause) {
    super(message, cause);
  }
}
