{
    #[memo(store = "disk", name = "identity::way", key = point.x)]
    fn way(point: Point) -> u64 {
        computed(point.x * 10 + point.y)
    }
    way
}
