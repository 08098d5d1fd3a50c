package dev.coxswain.error;

/** A request that cannot mean anything: an option out of range, options that contradict. */
public final class UsageException extends CoxswainException {
  public UsageException(String message) {
    super(message);
  }
}
