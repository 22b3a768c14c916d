import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.recipes.shared.VersionedValue;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;

/**
 * Counts with Apache Curator: Contention MODE CONNECT THREADS SECONDS PATH WARMUP.
 *
 * <p>MODE value: SharedValue.trySetValue, again on conflict. MODE mutex: InterProcessMutex around
 * get and set. For WARMUP seconds it counts on another document first, so that what is measured is
 * compiled code.
 */
public final class Contention {
  private static final String PREFIX = "{\"counter\":";

  /** One attempt; true if it was acknowledged. */
  private interface Step {
    boolean run(long deadline) throws Exception;
  }

  private final CuratorFramework client;
  private final String mode;
  private final int threads;

  private Contention(CuratorFramework client, String mode, int threads) {
    this.client = client;
    this.mode = mode;
    this.threads = threads;
  }

  public static void main(String[] args) throws Exception {
    // No retries by the client: it would send a set again whose answer was lost.
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(args[1], 30_000, 30_000, new RetryNTimes(0, 0));
    client.start();
    if (!client.blockUntilConnected(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("no connection to " + args[1]);
    }
    Contention contention = new Contention(client, args[0], Integer.parseInt(args[2]));
    String path = args[4];
    String warm = path + "-warm";
    client.create().forPath(warm, client.getData().forPath(path));
    contention.count(warm, Double.parseDouble(args[5]));
    System.out.println(contention.count(path, Double.parseDouble(args[3])));
    client.close();
  }

  /** Counts on the document at path, and returns the report. */
  private String count(String path, double seconds) throws Exception {
    List<Client> clients = new ArrayList<>();
    CountDownLatch release = new CountDownLatch(1);
    SharedValue shared = new SharedValue(client, path, client.getData().forPath(path));
    if (mode.equals("value")) {
      shared.start();
    }
    for (int i = 0; i < threads; i++) {
      clients.add(new Client(mode.equals("value") ? byValue(shared) : byMutex(path), release));
    }
    for (Client c : clients) {
      c.start();
    }
    long start = System.nanoTime();
    long deadline = start + (long) (seconds * 1e9);
    long last = deadline;
    for (Client c : clients) {
      c.deadline = deadline;
    }
    release.countDown();
    long acks = 0;
    long unknown = 0;
    for (Client c : clients) {
      c.join();
      if (c.failure != null) {
        throw c.failure;
      }
      acks += c.acks;
      unknown += c.unknown;
      last = Math.max(last, c.last);
    }
    if (mode.equals("value")) {
      shared.close();
    }
    return String.format(
        Locale.ROOT,
        "{\"acks\":%d,\"unknown\":%d,\"counter\":%d,\"seconds\":%.6f,\"each\":[%s]}",
        acks,
        unknown,
        counter(client.getData().forPath(path)),
        (last - start) / 1e9,
        clients.stream().map(c -> Long.toString(c.acks)).collect(Collectors.joining(",")));
  }

  private Step byValue(SharedValue shared) {
    return deadline -> {
      VersionedValue<byte[]> seen = shared.getVersionedValue();
      return shared.trySetValue(seen, bump(seen.getValue()));
    };
  }

  private Step byMutex(String path) {
    InterProcessMutex mutex = new InterProcessMutex(client, path + "-lock");
    return deadline -> {
      if (!mutex.acquire(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
        return false;
      }
      try {
        client.setData().forPath(path, bump(client.getData().forPath(path)));
        return true;
      } finally {
        mutex.release();
      }
    };
  }

  private static long counter(byte[] doc) {
    String text = new String(doc, 0, 40, StandardCharsets.US_ASCII);
    if (!text.startsWith(PREFIX)) {
      throw new IllegalStateException("the document begins " + text);
    }
    return Long.parseLong(text.substring(PREFIX.length(), text.indexOf(',')));
  }

  private static byte[] bump(byte[] doc) {
    byte[] head = (PREFIX + (counter(doc) + 1)).getBytes(StandardCharsets.US_ASCII);
    int rest = 0;
    while (doc[rest] != ',') {
      rest++;
    }
    byte[] next = new byte[head.length + doc.length - rest];
    System.arraycopy(head, 0, next, 0, head.length);
    System.arraycopy(doc, rest, next, head.length, doc.length - rest);
    return next;
  }

  private static final class Client extends Thread {
    private final Step step;
    private final CountDownLatch release;
    private long deadline; // set before the release
    private long acks;
    private long unknown;
    private long last;
    private Exception failure;

    Client(Step step, CountDownLatch release) {
      this.step = step;
      this.release = release;
    }

    @Override
    public void run() {
      try {
        release.await();
        while (System.nanoTime() < deadline) {
          attempt();
        }
      } catch (Exception e) {
        failure = e;
      }
    }

    private void attempt() throws Exception {
      try {
        if (step.run(deadline)) {
          acks++;
          last = System.nanoTime();
        }
      } catch (KeeperException.ConnectionLossException | KeeperException.SessionExpiredException e) {
        unknown++;
      }
    }
  }
}
