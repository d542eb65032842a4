{
    #[memo(store = "disk", name = "identity::way", max_entries = 10, ttl = "1h")]
    fn way(point: Point) -> u64 {
        computed(point.x * 10 + point.y)
    }
    way
}
