"""What the feature store serves: the load of a region, as the feature job wrote it."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

region = Entity(name="region", join_keys=["region"], value_type=ValueType.STRING)

written_by_the_job = FileSource(path="data/region_load.parquet", timestamp_field="known_at")

region_load = FeatureView(
    name="region_load",
    entities=[region],
    ttl=timedelta(hours=2),
    schema=[Field(name=name, dtype=Float64) for name in ("load_10", "growth", "clock_sin", "clock_cos")],
    source=written_by_the_job,
)

load_forecast = FeatureService(name="load_forecast", features=[region_load])
