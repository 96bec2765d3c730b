/**
 * Beam's job server for a cluster that has Beam's jars already.
 *
 * <p>By itself it sends all jars that it runs with, 160 MB, with every job.
 */
public class JobServer {
    public static void main(String[] arguments) throws Exception {
        System.clearProperty("java.class.path"); // where it looks for jars to send
        org.apache.beam.runners.flink.FlinkJobServerDriver.main(arguments);
    }
}
