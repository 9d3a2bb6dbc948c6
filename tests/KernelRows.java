import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.delta.kernel.Scan;
import io.delta.kernel.Snapshot;
import io.delta.kernel.Table;
import io.delta.kernel.data.ArrayValue;
import io.delta.kernel.data.ColumnVector;
import io.delta.kernel.data.ColumnarBatch;
import io.delta.kernel.data.FilteredColumnarBatch;
import io.delta.kernel.data.MapValue;
import io.delta.kernel.data.Row;
import io.delta.kernel.defaults.engine.DefaultEngine;
import io.delta.kernel.engine.Engine;
import io.delta.kernel.engine.FileReadResult;
import io.delta.kernel.internal.InternalScanFileUtils;
import io.delta.kernel.internal.data.ScanStateRow;
import io.delta.kernel.internal.util.Utils;
import io.delta.kernel.types.*;
import io.delta.kernel.utils.CloseableIterator;
import io.delta.kernel.utils.FileStatus;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * Reads Delta tables by the Java kernel, as connectors that are built on it do.
 *
 * <p>Takes one JSON object on each line of standard input, {"read": FOLDER, "version": 3} (the
 * version may be missing), and answers each by a line of JSON: "rows", each with all its columns as
 * spark_session.py writes them, and "version"; or "error".
 */
public class KernelRows {
  private static final JsonNodeFactory NODES = JsonNodeFactory.withExactBigDecimals(true);
  private static final ObjectMapper JSON = new ObjectMapper().setNodeFactory(NODES);
  private static final DateTimeFormatter MOMENT =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS").withZone(ZoneOffset.UTC);

  private final Engine engine = DefaultEngine.create(new Configuration());
  private final ArrayNode rows = JSON.createArrayNode();

  public static void main(String[] arguments) throws IOException {
    // Libraries print where they like; answers alone go to standard output.
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      answers.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
    }
  }

  private static ObjectNode answer(JsonNode request) {
    try {
      return new KernelRows().read(request.get("read").asText(), request.get("version"));
    } catch (Exception | LinkageError error) {
      return JSON.createObjectNode().put("error", error.toString());
    }
  }

  private ObjectNode read(String folder, JsonNode version) throws IOException {
    Table table = Table.forPath(engine, folder);
    Snapshot snapshot =
        version == null || version.isNull()
            ? table.getLatestSnapshot(engine)
            : table.getSnapshotAsOfVersion(engine, version.asLong());
    Scan scan = snapshot.getScanBuilder().build();
    Row state = scan.getScanState(engine);
    try (CloseableIterator<FilteredColumnarBatch> batches = scan.getScanFiles(engine)) {
      while (batches.hasNext()) {
        try (CloseableIterator<Row> found = batches.next().getRows()) {
          while (found.hasNext()) readFile(state, found.next());
        }
      }
    }
    ObjectNode answer = JSON.createObjectNode();
    answer.set("rows", rows);
    return answer.put("version", snapshot.getVersion());
  }

  private void readFile(Row state, Row file) throws IOException {
    FileStatus status = InternalScanFileUtils.getAddFileStatus(file);
    CloseableIterator<ColumnarBatch> physical =
        engine
            .getParquetHandler()
            .readParquetFiles(
                Utils.singletonCloseableIterator(status),
                ScanStateRow.getPhysicalDataReadSchema(state),
                Optional.empty())
            .map(FileReadResult::getData);
    // Partition values and logical names are put in here; deletion vectors become a selection.
    try (CloseableIterator<FilteredColumnarBatch> logical =
        Scan.transformPhysicalData(engine, state, file, physical)) {
      while (logical.hasNext()) addRows(logical.next());
    }
  }

  private void addRows(FilteredColumnarBatch batch) {
    ColumnarBatch data = batch.getData();
    Optional<ColumnVector> selection = batch.getSelectionVector();
    StructType schema = data.getSchema();
    for (int row = 0; row < data.getSize(); ++row) {
      if (selection.isPresent()
          && (selection.get().isNullAt(row) || !selection.get().getBoolean(row))) continue;
      ObjectNode object = rows.addObject();
      for (int column = 0; column < schema.length(); ++column) {
        StructField field = schema.at(column);
        object.set(field.getName(), value(data.getColumnVector(column), field.getDataType(), row));
      }
    }
  }

  // The type is the table's: those of the vectors inside others have physical names.
  private static JsonNode value(ColumnVector vector, DataType type, int row) {
    if (vector.isNullAt(row)) return JSON.nullNode();
    if (type instanceof StructType) return struct(vector, (StructType) type, row);
    if (type instanceof ArrayType) return list(vector.getArray(row), (ArrayType) type);
    if (type instanceof MapType) return map(vector.getMap(row), (MapType) type);
    return scalar(vector, type, row);
  }

  private static JsonNode struct(ColumnVector vector, StructType type, int row) {
    ObjectNode object = JSON.createObjectNode();
    for (int child = 0; child < type.length(); ++child) {
      StructField field = type.at(child);
      object.set(field.getName(), value(vector.getChild(child), field.getDataType(), row));
    }
    return object;
  }

  private static JsonNode list(ArrayValue value, ArrayType type) {
    ArrayNode array = JSON.createArrayNode();
    for (int i = 0; i < value.getSize(); ++i) {
      array.add(value(value.getElements(), type.getElementType(), i));
    }
    return array;
  }

  private static JsonNode map(MapValue value, MapType type) {
    ArrayNode entries = JSON.createArrayNode();
    for (int i = 0; i < value.getSize(); ++i) {
      ObjectNode entry = entries.addObject();
      entry.set("key", value(value.getKeys(), type.getKeyType(), i));
      entry.set("value", value(value.getValues(), type.getValueType(), i));
    }
    return entries;
  }

  private static JsonNode scalar(ColumnVector vector, DataType type, int row) {
    if (type instanceof BooleanType) return NODES.booleanNode(vector.getBoolean(row));
    if (type instanceof ByteType) return NODES.numberNode(vector.getByte(row));
    if (type instanceof ShortType) return NODES.numberNode(vector.getShort(row));
    if (type instanceof IntegerType) return NODES.numberNode(vector.getInt(row));
    if (type instanceof LongType) return NODES.numberNode(vector.getLong(row));
    if (type instanceof FloatType) return NODES.numberNode(vector.getFloat(row));
    if (type instanceof DoubleType) return NODES.numberNode(vector.getDouble(row));
    if (type instanceof DecimalType) return NODES.numberNode(vector.getDecimal(row));
    return NODES.textNode(text(vector, type, row));
  }

  private static String text(ColumnVector vector, DataType type, int row) {
    if (type instanceof StringType) return vector.getString(row);
    if (type instanceof BinaryType) {
      return Base64.getEncoder().encodeToString(vector.getBinary(row));
    }
    if (type instanceof DateType) return LocalDate.ofEpochDay(vector.getInt(row)).toString();
    if (type instanceof TimestampType) return moment(vector.getLong(row)) + "Z";
    if (type instanceof TimestampNTZType) return moment(vector.getLong(row));
    throw new IllegalArgumentException("a type that this program does not know: " + type);
  }

  private static String moment(long microseconds) {
    return MOMENT.format(Instant.EPOCH.plus(microseconds, ChronoUnit.MICROS));
  }
}
