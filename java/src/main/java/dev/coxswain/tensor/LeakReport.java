package dev.coxswain.tensor;

import java.lang.ref.Cleaner;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells of owners that became unreachable while still open, with the stack that made them. It only
 * reports and never frees: a view of the memory may be in use where no owner is reachable. Switched
 * on by {@code -Dcoxswain.leaks=true}; thread-safe.
 */
public final class LeakReport {
  private static final boolean ENABLED = Boolean.getBoolean("coxswain.leaks");

  /** The state of one watched owner. */
  public static final class Ticket {
    private volatile boolean closed;

    private Ticket() {}

    /** To be called when the owner is closed. */
    public void close() {
      closed = true;
    }
  }

  /** Loaded only where leaks are watched, so that nobody else pays for the thread. */
  private static final class Watch {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final Logger LOG = LoggerFactory.getLogger(LeakReport.class);
  }

  private static final Ticket IGNORED = new Ticket();

  private LeakReport() {}

  /**
   * Watches an owner.
   *
   * @param owner the object that must be closed
   * @param what what the report calls it, as in {@code "HostTensor F32 [4, 8]"}
   */
  public static Ticket watch(Object owner, String what) {
    if (!ENABLED) {
      return IGNORED;
    }
    Ticket ticket = new Ticket();
    Throwable madeAt = new Throwable(what + " was made here and never closed");
    Watch.CLEANER.register(
        owner,
        () -> {
          if (!ticket.closed) {
            Watch.LOG.warn("leak: {}", what, madeAt);
          }
        });
    return ticket;
  }
}
