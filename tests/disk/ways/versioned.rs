{
    #[memo(store = "disk", name = "identity::way", version = 2)]
    fn way(point: Point) -> u64 {
        computed(point.x * 10 + point.y)
    }
    way
}
