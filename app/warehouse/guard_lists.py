"""What a base query may be made of. Whatever is not listed here is refused, in every dialect."""

from __future__ import annotations

from app.warehouse.declarations import DbType


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Parts of a sqlglot tree that only name, combine or order what is read.
NODES = _names(
    """
    Add Alias Aliases All And Any Array AtTimeZone Between BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift
    BitwiseXor Boolean Bracket CTE Case Cast Column ColumnDef Cube DPipe DataType DataTypeParam Distance Distinct Div Dot EQ
    Escape Except Exists Fetch Filter Final FormatJson From GT GTE Glob Group GroupingSets Having HavingMax ILike Identifier
    IgnoreNulls In IntDiv Intersect Interval IntervalSpan Is JSONBContains JSONExtractQuote JSONPath JSONPathKey
    JSONPathRecursive JSONPathRoot JSONPathSelector JSONPathSlice JSONPathSubscript JSONPathUnion JSONPathWildcard Join Kwarg
    LT LTE Lambda Lateral Like Limit LimitOptions Literal Map Mod Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ Offset Or Order
    Ordered Paren PreWhere PropertyEQ Qualify RawString RegexpILike RegexpLike RespectNulls Rollup Select SimilarTo Slice Star
    Struct Sub Subquery Table TableAlias TableSample Tuple Union Unnest UnpackColumns Values Var Where Window WindowSpec With
    WithFill WithinGroup Xor
    """
)

# Functions that compute from their arguments, by sqlglot's class. None reads files, servers, settings or who is asking.
FUNCTIONS = _names(
    """
    Abs Acos Acosh AddMonths And AnyValue ApproxDistinct ApproxQuantile ApproxQuantiles ApproxTopK ArgMax ArgMin Array
    ArrayAgg ArrayAll ArrayAny ArrayAppend ArrayCompact ArrayConcat ArrayConcatAgg ArrayContainedBy ArrayContains
    ArrayContainsAll ArrayDistinct ArrayExcept ArrayFilter ArrayFirst ArrayIntersect ArrayLast ArrayMax ArrayMin ArrayOverlaps
    ArrayPosition ArrayPrepend ArrayRemove ArrayReverse ArraySize ArraySlice ArraySort ArraySum ArrayToString ArrayUniqueAgg
    ArraysZip Ascii Asin Asinh Atan Atan2 Atanh Avg BitLength BitwiseAndAgg BitwiseCount BitwiseOrAgg BitwiseXorAgg ByteLength
    Case Cast CastToStrType Cbrt Ceil Chr CityHash64 Coalesce CodePointsToString Collate CombinedAggFunc
    CombinedParameterizedAgg Concat ConcatWs Contains Convert ConvertTimezone Corr Cos Cosh CosineDistance Cot Count CountIf
    CovarPop CovarSamp CumeDist CurrentDate CurrentDatetime CurrentTime CurrentTimestamp Date DateAdd DateBin DateDiff
    DateFromParts DateFromUnixDate DateStrToDate DateSub DateToDateStr DateTrunc Datetime DatetimeAdd DatetimeDiff DatetimeSub
    DatetimeTrunc Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname Decode DecodeCase Degrees DenseRank Encode EndsWith
    EqualNull EuclideanDistance Exists Exp Explode ExplodingGenerateSeries Extract FarmFingerprint First FirstValue Flatten
    Float64 Floor Format FromBase32 FromBase64 FromISO8601Date FromISO8601Timestamp FromJson GenerateDateArray GenerateSeries
    GenerateTimestampArray Greatest GroupConcat Grouping GroupingId Hex Hll Host Hour If Initcap Int64 IsInf IsNan JSONArray
    JSONArrayAgg JSONArrayContains JSONBContains JSONBContainsAllTopKeys JSONBContainsAnyTopKeys JSONBContainsTopKey
    JSONBExists JSONBExtract JSONBExtractScalar JSONBObjectAgg JSONBPathExists JSONBool JSONExists JSONExtract
    JSONExtractArray JSONExtractScalar JSONFormat JSONKeys JSONKeysAtDepth JSONObject JSONObjectAgg JSONStripNulls JSONType
    JSONValueArray JarowinklerSimilarity JustifyDays JustifyHours JustifyInterval Kurtosis Lag Last LastDay LastValue LaxBool
    LaxFloat64 LaxInt64 LaxString Lead Least Left Length Levenshtein List Ln Log LogicalAnd LogicalOr Lower LowerHex MD5
    MD5Digest MakeInterval ManhattanDistance Map MapCat MapContainsKey MapFromEntries MapKeys MapSize Max Median Min Minute
    Mode Month Monthname MonthsBetween NetFunc Normalize NthValue Ntile Nullif NumberToStr Nvl2 Or Overlay Pad
    ParameterizedAgg ParseBignumeric ParseDatetime ParseJSON ParseNumeric ParseTime ParseUrl PercentRank PercentileCont
    PercentileDisc Pi Pow Quantile Quarter Radians RangeBucket Rank Reduce RegDomain RegexpCount RegexpExtract
    RegexpExtractAll RegexpFullMatch RegexpILike RegexpInstr RegexpLike RegexpReplace RegexpSplit RegexpSubstr RegrAvgx
    RegrAvgy RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy Replace Reverse Right Rint Round RowNumber
    RtrimmedLength SHA SHA1Digest SHA2 SHA2Digest SafeAdd SafeConvertBytesToString SafeDivide SafeFunc SafeMultiply SafeNegate
    SafeSubtract Second Sign Sin Sinh Skewness Soundex Split SplitPart Sqrt StandardHash StartsWith Stddev StddevPop
    StddevSamp StrPosition StrToDate StrToMap StrToTime StrToUnix String StringToArray Strtok StrtokToArray Struct
    StructExtract Substring SubstringIndex Sum Tan Tanh Time TimeAdd TimeDiff TimeFromParts TimeSlice TimeStrToDate
    TimeStrToTime TimeStrToUnix TimeSub TimeToStr TimeToTimeStr TimeToUnix TimeTrunc Timestamp TimestampAdd TimestampDiff
    TimestampFromParts TimestampSub TimestampTrunc TimestampTzFromParts ToArray ToBase32 ToBase64 ToChar ToCodePoints ToDays
    ToDouble ToMap ToNumber Transform Translate Trim Trunc Try TryCast TsOrDiToDi TsOrDsAdd TsOrDsDiff TsOrDsToDate
    TsOrDsToDateStr TsOrDsToDatetime TsOrDsToTime TsOrDsToTimestamp Typeof Unhex Unicode UnixDate UnixMicros UnixMillis
    UnixSeconds UnixToStr UnixToTime UnixToTimeStr Unnest Upper UtcDate UtcTime UtcTimestamp VarMap Variance VariancePop Week
    WeekOfYear WeekStart WidthBucket Xor Year YearOfWeek YearOfWeekIso
    """
)

# Functions sqlglot has no class for, in lower case.
NAMED_FUNCTIONS = {
    DbType.CLICKHOUSE: _names(
        """
        abs accuratecast accuratecastordefault accuratecastornull adddays addhours addminutes addmonths addquarters addseconds
        addweeks addyears alphatokens any anyheavy anylast appendtrailingcharifabsent argmax argmin array arrayall arrayauc
        arrayavg arraycompact arrayconcat arraycount arraycumsum arraydifference arraydistinct arrayelement arrayenumerate
        arrayenumerateuniq arrayexists arrayfill arrayfilter arrayfirst arrayfirstindex arrayflatten arrayfold arrayintersect
        arrayjoin arraylast arraylastindex arraymap arraymax arraymin arraypopback arraypopfront arrayproduct arraypushback
        arraypushfront arrayreduce arrayresize arrayreverse arrayreversesort arrayrotateleft arrayrotateright arrayshuffle
        arrayslice arraysort arraysplit arraystringconcat arraysum arrayuniq arrayzip assumenotnull avg avgweighted bar
        base58decode base58encode base64decode base64encode bin bitand bitcount bitnot bitor bitrotateleft bitrotateright
        bitshiftleft bitshiftright bittest bitxor boundingratio cast ceil ceiling char character_length cityhash64 coalesce
        columns concat concatassumeinjective concatwithseparator convertcharset corr count countequal countmatches
        countsubstrings countsubstringscaseinsensitive covarpop covarsamp crc32 cume_dist cutfragment cutquerystring
        cutquerystringandfragment cuttofirstsignificantsubdomain cuturlparameter cutwww dameraulevenshteindistance date_diff
        date_trunc dateadd datediff datename datesub datetrunc decodeurlcomponent decodexmlcomponent delta deltasum dense_rank
        detectlanguage divide domain domainwithoutwww editdistance empty encodeurlcomponent endswith entropy equals erf erfc
        exp exponentialmovingaverage extract extractall extractallgroups extractallgroupshorizontal extractallgroupsvertical
        extractgroups extracttextfromhtml extracturlparameter extracturlparameternames extracturlparameters farmhash64
        first_value firstsignificantsubdomain flatten floor format formatdatetime formatreadabledecimalsize
        formatreadablequantity formatreadablesize formatreadabletimedelta fragment fromdaysunixtimestamp fromunixtimestamp
        fromunixtimestamp64micro fromunixtimestamp64milli fromunixtimestamp64nano fromunixtimestamp64second
        fromunixtimestampinjodasyntax gccmurmurhash gcd geodistance greatcircledistance greater greaterorequals greatest
        grouparray grouparrayinsertat grouparraylast grouparraymovingavg grouparraymovingsum grouparraysample groupbitand
        groupbitmap groupbitor groupbitxor groupconcat groupuniqarray halfmd5 has hasall hasany hassubstr hastoken
        hastokencaseinsensitive hex histogram if ifnotfinite ifnull ilike in initcap intdiv intdivorzero inthash32 inthash64
        ipv4numtostring ipv4stringtonum ipv6numtostring ipv6stringtonum isdecimaloverflow isfinite isinfinite
        isipaddressinrange isipv4string isipv6string iskeyvalid isnan isnotnull isnull isnullable isvalidjson isvalidutf8
        iszeroornull javahash json_exists json_query json_value jsonallpaths jsonallpathswithtypes jsonarraylength
        jsondynamicpaths jsonextract jsonextractarrayraw jsonextractbool jsonextractfloat jsonextractint jsonextractkeys
        jsonextractkeysandvalues jsonextractkeysandvaluesraw jsonextractraw jsonextractstring jsonextractuint jsonhas jsonkey
        jsonlength jsonmergepatch jsonshareddatapaths jsontype jumpconsistenthash kurtpop kurtsamp lag laginframe last_value
        lcm lead leadinframe least left leftpad leftpadutf8 length lengthutf8 less lessorequals like ln log log10 log1p log2
        lower lowerutf8 ltrim makedate makedatetime makedatetime64 map mapadd mapall mapapply mapconcat mapcontains
        mapcontainskeylike mapexists mapextractkeylike mapfilter mapfromarrays mapkeys mappopulateseries mapsort mapsubtract
        mapvalues match materialize max max2 maxmap md5 median medianexact metrohash64 min min2 minmap minus mod modulo
        modulolegacy moduloorzero monthname multifuzzymatchany multiif multimatchallindices multimatchany multimatchanyindex
        multiply multisearchallpositions multisearchany multisearchfirstindex multisearchfirstposition
        multisearchfirstpositioncaseinsensitive murmurhash2_32 murmurhash2_64 murmurhash3_128 murmurhash3_32 murmurhash3_64
        negate netloc ngramdistance ngrams ngramsearch normalizequery not notempty notequals notilike notin notlike now now64
        nth_value ntile nullif nullin parsedatetime parsedatetime32besteffort parsedatetime32besteffortornull
        parsedatetime64besteffort parsedatetime64besteffortornull parsedatetimebesteffort parsedatetimebesteffortornull
        parsedatetimebesteffortorzero parsedatetimebesteffortus parsedatetimeornull parsedatetimeorzero parsetimedelta path
        pathfull percent_rank plus pointinpolygon port position positioncaseinsensitive positioncaseinsensitiveutf8
        positionutf8 pow power protocol quantile quantilebfloat16 quantileddsketch quantiledeterministic quantileexact
        quantileexacthigh quantileexactinclusive quantileexactlow quantileexactweighted quantileinterpolatedweighted quantiles
        quantilesexact quantilestdigest quantilestiming quantiletdigest quantiletiming quantiletimingweighted querystring
        querystringandfragment range rank ranksinframe regexpextract reinterpret reinterpretasstring reinterpretasuint64
        repeat replace replaceall replaceone replaceregexpall replaceregexpone retention reverse reverseutf8 right rightpad
        rightpadutf8 round roundage roundbankers rounddown roundduration roundtoexp2 row_number rtrim sequencecount
        sequencematch sequencenextnode sha1 sha224 sha256 sha384 sha512 sign simplejsonextractbool simplejsonextractfloat
        simplejsonextractint simplejsonextractraw simplejsonextractstring simplejsonextractuint simplejsonhas
        simplelinearregression siphash128 siphash64 skewpop skewsamp soundex space sparkbar splitbyalpha splitbychar
        splitbynonalpha splitbyregexp splitbystring splitbywhitespace sqrt startswith startswithutf8 stddevpop stddevpopstable
        stddevsamp stddevsampstable stringjaccardindex subbitmap substr substring substringindex substringindexutf8
        substringutf8 subtractdays subtracthours subtractminutes subtractmonths subtractquarters subtractseconds subtractweeks
        subtractyears sum sumcount sumkahan summap summapfiltered sumwithoverflow timediff timeslot timeslots timestamp_add
        timestamp_diff timestamp_sub timestampadd timestampsub timezone timezoneof timezoneoffset tobool tocolumntypename
        todate todate32 todate32ornull todateornull todateorzero todatetime todatetime32 todatetime64 todatetime64ornull
        todatetime64orzero todatetimeornull todatetimeorzero today todayofmonth todayofweek todayofyear todecimal128
        todecimal256 todecimal32 todecimal64 todecimal64ornull todecimal64orzero todecimalstring tofixedstring tofloat32
        tofloat32ornull tofloat32orzero tofloat64 tofloat64ordefault tofloat64ornull tofloat64orzero tohour toint128 toint16
        toint256 toint32 toint32ornull toint32orzero toint64 toint64ornull toint64orzero toint8 toint8ornull tointervalday
        tointervalhour tointervalminute tointervalmonth tointervalquarter tointervalsecond tointervalweek tointervalyear
        toipv4 toipv4ornull toipv6 toipv6ornull toisoweek toisoyear tojsonstring tokens tolastdayofmonth tolastdayofweek
        tolowcardinality tomillisecond tominute tomodifiedjulianday tomonday tomonth tonullable topk topkweighted
        topleveldomain toquarter torelativedaynum torelativehournum torelativeminutenum torelativemonthnum torelativeweeknum
        tosecond tostartofday tostartoffifteenminutes tostartoffiveminutes tostartofhour tostartofinterval tostartofisoyear
        tostartofminute tostartofmonth tostartofquarter tostartofsecond tostartoftenminutes tostartofweek tostartofyear
        tostring tostringcuttozero totime totimezone totypename touint128 touint16 touint256 touint32 touint32ornull
        touint32orzero touint64 touint64ornull touint64orzero touint8 touint8ornull tounixtimestamp tounixtimestamp64micro
        tounixtimestamp64milli tounixtimestamp64nano touuid touuidornull touuidorzero tovalidutf8 toweek toyear toyearweek
        toyyyymm toyyyymmdd toyyyymmddhhmmss transform translate translateutf8 trim trimboth trimleft trimright trunc truncate
        tryparse tumble tuple tupleconcat tupleelement tuplehammingdistance unhex uniq uniqcombined uniqcombined64 uniqexact
        uniqhll12 uniqthetasketch unnest upper upperutf8 varpop varpopstable varsamp varsampstable visitparamextractbool
        visitparamextractfloat visitparamextractint visitparamextractraw visitparamextractstring visitparamhas week
        widthbucket windowfunnel xor xxhash32 xxhash64 yesterday
        """
    ),
    DbType.POSTGRES: _names(
        """
        abs acos age array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims
        array_position array_positions array_prepend array_remove array_replace array_to_json array_to_string array_upper
        ascii asin atan atan2 avg bit_and bit_length bit_or bool_and bool_or btrim cardinality cbrt ceil ceiling char_length
        character_length chr clock_timestamp coalesce concat concat_ws corr cos cot count covar_pop covar_samp cume_dist date
        date_bin date_part date_trunc daterange decode degrees dense_rank div encode every exp extract factorial first_value
        floor format gcd greatest host hostmask initcap int4range int8range isempty isfinite json_agg json_array_elements
        json_array_elements_text json_array_length json_build_array json_build_object json_each json_each_text
        json_extract_path json_extract_path_text json_object json_object_agg json_object_keys json_strip_nulls json_typeof
        jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
        jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_object jsonb_object_agg jsonb_object_keys
        jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_pretty
        jsonb_strip_nulls jsonb_typeof justify_days justify_hours justify_interval lag last_value lcm lead least left length
        ln localtime log log10 lower lower_inc lower_inf lpad ltrim make_date make_interval make_time make_timestamp
        make_timestamptz masklen max md5 min mod mode netmask network now nth_value ntile nullif num_nonnulls num_nulls
        numrange octet_length overlay percent_rank percentile_cont percentile_disc pi plainto_tsquery position pow power
        radians rank regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
        regexp_split_to_table regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
        regr_syy repeat replace reverse right round row row_number row_to_json rpad rtrim scale set_masklen sha224 sha256
        sha384 sha512 sign similarity sin split_part sqrt starts_with statement_timestamp stddev stddev_pop stddev_samp
        string_agg string_to_array string_to_table strpos substr substring sum tan text timeofday to_ascii to_char to_date
        to_hex to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trim_array
        trim_scale trunc ts_rank tsrange tstzrange unistr unnest upper upper_inc upper_inf var_pop var_samp variance
        websearch_to_tsquery width_bucket
        """
    ),
    DbType.BIGQUERY: _names(
        """
        abs acos any_value approx_count_distinct approx_quantiles approx_top_count approx_top_sum array_agg array_concat
        array_concat_agg array_first array_last array_length array_reverse array_slice array_to_string ascii asin atan atan2
        avg bit_and bit_count bit_or bit_xor bool byte_length cast ceil ceiling char_length character_length chr coalesce
        code_points_to_string collate concat contains_substr corr cos count countif covar_pop covar_samp cume_dist
        current_date current_datetime current_time current_timestamp date date_add date_bucket date_diff date_from_unix_date
        date_sub date_trunc datetime datetime_add datetime_bucket datetime_diff datetime_sub datetime_trunc dense_rank div
        ends_with exp extract farm_fingerprint first_value float64 floor format format_date format_datetime format_time
        format_timestamp from_base32 from_base64 from_hex generate_array generate_date_array generate_timestamp_array greatest
        grouping hll_count.extract host ieee_divide if ifnull initcap instr int64 is_inf is_nan json_array json_array_append
        json_extract json_extract_array json_extract_scalar json_extract_string_array json_keys json_object json_query
        json_query_array json_remove json_set json_strip_nulls json_type json_value json_value_array justify_days
        justify_hours justify_interval lag last_day last_value lax_bool lax_float64 lax_int64 lax_string lead least left
        length ln log log10 logical_and logical_or lower lpad ltrim make_interval max max_by md5 min min_by mod net.host
        net.ip_to_string net.public_suffix net.reg_domain normalize normalize_and_casefold nth_value ntile nullif octet_length
        parse_bignumeric parse_date parse_datetime parse_json parse_numeric parse_time parse_timestamp percent_rank
        percentile_cont percentile_disc pow power public_suffix range range_bucket range_contains range_end range_start rank
        reg_domain regexp_contains regexp_extract regexp_extract_all regexp_instr regexp_replace regexp_substr repeat replace
        reverse right round row_number rpad rtrim safe_add safe_cast safe_convert_bytes_to_string safe_divide safe_multiply
        safe_negate safe_subtract sha1 sha256 sha512 sign sin soundex split sqrt starts_with stddev stddev_pop stddev_samp
        string string_agg strpos substr substring sum tan time time_add time_diff time_sub time_trunc timestamp timestamp_add
        timestamp_bucket timestamp_diff timestamp_micros timestamp_millis timestamp_seconds timestamp_sub timestamp_trunc
        to_base32 to_base64 to_code_points to_hex to_json to_json_string translate trim trunc unicode unix_date unix_micros
        unix_millis unix_seconds unnest upper var_pop var_samp variance
        """
    ),
}

# Endings that ClickHouse lets stand behind the name of an aggregate.
COMBINATORS = (
    "if", "array", "map", "simplestate", "state", "mergestate", "merge", "foreach", "distinct", "ordefault",
    "ornull", "argmin", "argmax",
)  # fmt: skip

TABLE_FUNCTIONS = {
    DbType.CLICKHOUSE: _names(
        """
        generate_series generateseries numbers
        """
    ),
    DbType.POSTGRES: _names(
        """
        explode explodinggenerateseries generate_series generateseries json_array_elements json_array_elements_text json_each
        json_each_text json_object_keys jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text
        jsonb_object_keys jsonb_path_query regexp_matches regexp_split_to_table string_to_table unnest
        """
    ),
    DbType.BIGQUERY: _names(
        """
        generate_array unnest
        """
    ),
}

# Schemas that describe the server, its sessions and its people instead of holding anybody's events.
CLOSED_SCHEMAS = _names("information_schema mysql performance_schema pg_catalog pg_temp pg_toast system")
CLOSED_PREFIXES = ("pg_", "__tables", "sql_")

# What each part of a query may carry; a lock, a setting, an output file or a target table is none of it.
ARGUMENTS = {
    "Select": _names(
        """
        distinct expressions from_ group having joins kind laterals limit offset order prewhere qualify sample where windows
        with_
        """
    ),
    "Union": _names(
        """
        by_name distinct expression expressions kind limit offset on order side this with_
        """
    ),
    "Table": _names(
        """
        alias catalog db joins laterals only ordinality sample this
        """
    ),
    "Subquery": _names(
        """
        alias joins laterals limit offset order sample this where with_
        """
    ),
    "With": _names(
        """
        expressions
        """
    ),
    "CTE": _names(
        """
        alias key_expressions materialized scalar this
        """
    ),
    "In": _names(
        """
        expressions field is_global query this unnest
        """
    ),
}
ARGUMENTS["Intersect"] = ARGUMENTS["Except"] = ARGUMENTS["Union"]
